"""Contestants: what a trainer must offer to be measured (``registry``), ours (``ddtrain_steps``), how another joins
once it is seen to compute the same (``joining``, ``agreement``), and the others: PyTorch's (``pytorch``, with
``pytorch_models`` and ``pytorch_images``), JAX's (``jax_steps``, ``jax_models``) and NumPy by hand (``numpy_steps``).
"""
