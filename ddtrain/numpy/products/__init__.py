"""Products and sums of products, in reading order.

``matrix_products`` (matmul, dot, tensordot, cross), ``einsum``, ``convolutions``, ``polynomials``, ``interpolation``.
"""
