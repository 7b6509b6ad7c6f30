"""Products and sums of products: ``matrix_products einsum convolutions polynomials interpolation``."""
