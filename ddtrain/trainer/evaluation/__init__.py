"""What an evaluation makes of all samples together, beside the means that ``trainer/evaluate.py`` sums.

``all_samples`` gathers outputs and losses from the ranks in the order of the samples, ``report`` has the figures that
are no means, ``samples`` the worst and the best samples.
"""
