"""What a run can be told: ``config`` (one dataclass a component), ``command_line`` (where values come from).

``options`` checks and explains ``--section.key value``, ``tables`` turns dataclasses into TOML and back,
``resumed_options`` finds what an earlier run was told.
"""
