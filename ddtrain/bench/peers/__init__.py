"""Contestants: what a trainer must offer to be measured (``registry``), ours (``ddtrain_steps``), and PyTorch's
(``pytorch``, with ``pytorch_models`` and ``pytorch_images``)."""
