"""Starting ranks and ending them.

``environment`` (who started this process), ``run_ranks``, ``failure``, ``liveness``.
"""
