"""What a run saves and resumes from. Read ``contents``, then ``writer`` and ``resume``.

``contents`` is what is in a checkpoint and its files, ``state_json`` checks what state.json may say, ``writer`` puts a
checkpoint on the disk so that a crash leaves no broken one, ``retention`` removes old ones, ``finder`` finds the newest
that is whole. ``rank_state`` gathers what each rank alone remembers; ``resume`` lets a run go on from all of that.
"""

from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.checkpoint.finder import Found, checkpoints, latest, load, verify
from ddtrain.trainer.checkpoint.writer import save, write

__all__ = ["Found", "Snapshot", "checkpoints", "latest", "load", "save", "verify", "write"]
