"""One training step: ``train_step`` reads in the order of execution; ``setup`` builds it from a configuration.

``gradient_buffer`` is where a step's gradients go, ``totals`` what is summed over samples (from each ``loss_output``),
``coordinator`` rank 0's decision and ``step_control`` how it is told to all, ``model_buffers`` what becomes of running
statistics.
"""
