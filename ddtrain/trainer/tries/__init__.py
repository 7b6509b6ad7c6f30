"""Quick tries before a long run: on some of the data (``data_limits``), and of learning rates (``lr_range``)."""
