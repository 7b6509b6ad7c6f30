"""Functions along axes: ``reductions scans masked nans statistics differences order_statistics``."""
