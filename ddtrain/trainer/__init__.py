"""Training: from a command line to trained parameters.

Read ``main`` (from a command line to an exit code), ``job`` (one run on one rank), ``task`` (what a user gives),
``loop`` (the order of events), then ``step/`` (one training step). ``config/`` holds what a run can be told,
``checkpoint/`` what is saved and resumed, ``records/`` what a run reports, ``modes/`` how nodes keep in step,
``average/`` puts averaged weights in place of the weights, and ``evaluation/`` measures the model; ``tries/`` are quick
tries before a long run. ``run_state`` is a run's state between steps, ``watching`` calls the callbacks,
``stop_signals`` ends a run early, ``dp_derivatives`` are derivatives of the loss over all ranks.
``numeric_environment`` is what decides the last bits on a machine, ``error_context`` says where an error came up,
``atomic_files`` writes files that are whole or not there; ``file_names`` and ``saved_decisions`` serve checkpoints.
"""
