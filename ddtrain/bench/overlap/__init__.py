"""``bench overlap``.

Communication hidden behind computation: ``command``, ``job`` of a rank, ``netns`` as a real link.
"""
