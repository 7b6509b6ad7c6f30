"""Methods that ask more of a batch than one gradient: trial points, and products with the Hessian.

Read ``protocol`` (what a method may ask), then ``line_search``. ``nonlinear_cg`` and ``lbfgs`` (BFGS too) search along
a line by gradients alone; ``newton`` has the whole Hessian. ``linear_cg`` solves with products alone: for
``hessian_free`` with the Hessian, for ``gauss_newton`` and ``levenberg_marquardt`` with the matrix of Gauss-Newton.
``lanczos`` finds the way out of a saddle point, ``hessian`` is the whole matrix.
"""
