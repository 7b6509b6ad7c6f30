"""Layers: a declaration of parameters and one operation each.

Names of attributes are PyTorch's, so that a checkpoint's names are too; layouts are ours, (in, out) and
channels-last, and mapped on export. A file a topic: ``linear`` is the plainest, then ``convolution pooling embedding
dropout``, norms in ``sample_norms`` and ``frozen_batch_norm``, ``activation`` and ``activations_by_name``, and
``containers``.
"""
