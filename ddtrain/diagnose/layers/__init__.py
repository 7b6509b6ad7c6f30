"""What the layers of a model give and get in a step: outputs, gradients and updates, and what is wrong with them.

Read ``statistics`` (of outputs; those of several ranks add up), ``watched_pass`` (a forward and backward pass that
takes them down), then ``verdicts`` (gradients that vanish or explode, units that are dead or saturated).
"""
