"""The loss around a point: its Hessian's eigenvalues, trace and condition, its sharpness, and the noise of gradients.

Read ``spectrum`` (eigenvalues by Lanczos' method, their density, the trace), ``dense_hessian`` (all eigenvalues of a
small model, and what either way takes of memory), ``stability`` (the rates that an optimizer bears), ``sharpness`` (the
highest loss in a box), then ``noise_scale``. All ask an :class:`~ddtrain.optim.batch_methods.protocol.Objective` alone,
and so know of no ranks.
"""
