"""Recipes on Fashion-MNIST, pictures of clothes: ``lenet cnn vgg``, then ``resnet20`` and ``inception``."""
