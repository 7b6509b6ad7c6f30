"""What people call: functions that take a function and return its derivatives.

Read ``gradients`` (grad and its relatives) and ``argnums`` (what is differentiated, and what came out); then
``vjp_jvp``, ``jacobians``, ``curvature``. ``fixed_point`` differentiates a solution, ``recomputation`` trades time
for memory, ``check_grads`` compares with finite differences,
``flatten`` makes a vector of a structure.
"""
