"""The names of NumPy that are passed on unchanged: they need no rule, or have none.

A function passed on works on plain arrays; given a traced value it says that it has no rule.
"""

from __future__ import annotations

UNCHANGED = frozenset({
    "False_", "ScalarType", "True_", "array2string", "array_repr", "array_str", "asmatrix", "bartlett",
    "base_repr", "binary_repr", "bitwise_and", "bitwise_count", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "blackman", "bmat", "bool", "broadcast",
    "busday_count", "busday_offset", "busdaycalendar", "byte", "bytes_", "can_cast", "cdouble", "char",
    "character", "clongdouble", "common_type", "complex256", "complexfloating", "csingle", "ctypeslib",
    "datetime64", "datetime_as_string", "datetime_data", "diag_indices", "double", "dtypes", "einsum_path",
    "emath", "exceptions", "f2py", "flatiter", "flexible", "float128", "format_float_positional",
    "format_float_scientific", "from_dlpack", "frombuffer", "fromfile", "fromfunction", "fromiter", "frompyfunc",
    "fromregex", "fromstring", "gcd", "generic", "genfromtxt", "get_include", "get_printoptions", "getbufsize",
    "geterr", "geterrcall", "half", "hamming", "hanning", "histogram", "histogram2d", "histogram_bin_edges",
    "histogramdd", "index_exp", "inexact", "info", "int_", "intc", "intersect1d", "intp", "invert", "is_busday",
    "isdtype", "isfortran", "isnat", "issubdtype", "iterable", "kaiser", "lcm", "left_shift", "lib",
    "little_endian", "load", "long", "longdouble", "longlong", "ma", "mask_indices", "matrix", "may_share_memory",
    "memmap", "mgrid", "min_scalar_type", "mintypecode", "ndenumerate", "ndindex", "nditer", "nested_iters",
    "number", "object_", "ogrid", "packbits", "poly1d", "polydiv", "polynomial", "ravel_multi_index", "rec",
    "recarray", "record", "require", "right_shift", "save", "savetxt", "savez", "savez_compressed", "sctypeDict",
    "setbufsize", "setdiff1d", "seterr", "seterrcall", "setxor1d", "shares_memory", "short", "show_config",
    "show_runtime", "signedinteger", "single", "str_", "strings", "test", "testing", "timedelta64", "typecodes",
    "typename", "typing", "ubyte", "ufunc", "uint", "uint16", "uint32", "uint64", "uintc", "uintp", "ulong",
    "ulonglong", "union1d", "unique_all", "unique_counts", "unique_inverse", "unique_values", "unpackbits",
    "unsignedinteger", "ushort", "void",
})  # fmt: skip
