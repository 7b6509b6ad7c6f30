"""Convolutional networks for small images, channels-last: ``cnn``, ``vgg``, ``resnet`` and ``inception``."""
