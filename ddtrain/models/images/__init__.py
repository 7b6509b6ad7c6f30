"""Convolutional networks for small images, channels-last: ``lenet cnn vgg``, then ``resnet`` and ``inception``."""
