"""What a run saves and resumes from. Read ``contents``, then ``save_run``, ``writer`` and ``resume``.

``contents`` is what is in a checkpoint and its files, ``state_json`` checks what state.json may say. ``save_run`` makes
a checkpoint of a run as it stands, with what each rank alone remembers (``rank_state``) and what was fitted to data
(``fitted_state``); ``writer`` puts it on the disk so that a crash leaves no broken one, and ``retention`` removes old
ones. ``finder`` finds the newest that is whole, and ``resume`` lets a run go on from it; ``stored_model`` is for who
wants the trained model alone.
"""

from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.checkpoint.finder import Found, checkpoints, latest, load, verify
from ddtrain.trainer.checkpoint.writer import save, write

__all__ = ["Found", "Snapshot", "checkpoints", "latest", "load", "save", "verify", "write"]
