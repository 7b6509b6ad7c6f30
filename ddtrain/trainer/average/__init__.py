"""The average of the weights in the place of the weights, for an evaluation or an export.

``averaged_weights`` puts it there and takes it away again; ``batch_statistics`` computes batch-norm's running
statistics for it, and ``population`` has them for whatever a run ends with. The average itself is kept by the
optimizer, see ``optim/averages``.
"""
