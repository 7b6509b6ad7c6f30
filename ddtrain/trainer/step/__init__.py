"""One training step: ``train_step`` reads in the order of execution; ``setup`` builds it from a configuration.

``forward_pass`` is the loss as a function of the model's values, ``gradient_buffer`` where a step's gradients go,
``totals`` what is summed over samples (from each ``loss_output``), ``coordinator`` rank 0's decision and
``step_control`` how it is told to all, ``model_buffers`` what becomes of running statistics, ``step_timer`` where the
seconds go.
"""
