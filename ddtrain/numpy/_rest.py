"""The names of NumPy that have no function of ours: those passed on unchanged, and those refused, with the reason.

A function passed on works on plain arrays; given a traced value it says that it has no rule.
"""

from __future__ import annotations

_WRITES = "writes into its argument, which a trace cannot follow"
_MATRIX = "makes numpy.matrix, whose product and shapes differ from an array's"

REFUSED = {  # name -> (reason, remedy)
    "asmatrix": (_MATRIX, "Use atleast_2d."),
    "bmat": (_MATRIX, "Use block."),
    "copyto": (_WRITES, "Use where."),
    "core": ("is private to NumPy", "Use the public name."),
    "fill_diagonal": (_WRITES, "Use where(eye(n, dtype=bool), value, x)."),
    "matrix": (_MATRIX, "Use array."),
    "place": (_WRITES, "Use where."),
    "poly1d": ("keeps its coefficients in an object", "Use polyval and the other functions of coefficients."),
    "put": (_WRITES, "Use where, or concatenate."),
    "put_along_axis": (_WRITES, "Use where(arange(n) == index, value, x)."),
    "putmask": (_WRITES, "Use where(mask, values, x)."),
}

UNCHANGED = frozenset({
    "False_", "ScalarType", "True_", "array2string", "array_repr", "array_str", "bartlett", "base_repr",
    "binary_repr", "bitwise_and", "bitwise_count", "bitwise_invert", "bitwise_left_shift", "bitwise_not",
    "bitwise_or", "bitwise_right_shift", "bitwise_xor", "blackman", "bool", "broadcast", "busday_count",
    "busday_offset", "busdaycalendar", "byte", "bytes_", "c_", "can_cast", "cdouble", "char", "character",
    "clongdouble", "common_type", "complex256", "complexfloating", "csingle", "ctypeslib", "datetime64",
    "datetime_as_string", "datetime_data", "diag_indices", "double", "dtypes", "einsum_path", "emath", "exceptions",
    "f2py", "flatiter", "flexible", "float128", "format_float_positional", "format_float_scientific", "from_dlpack",
    "frombuffer", "fromfile", "fromfunction", "fromiter", "frompyfunc", "fromregex", "fromstring", "gcd", "generic",
    "genfromtxt", "get_include", "get_printoptions", "getbufsize", "geterr", "geterrcall", "half", "hamming",
    "hanning", "histogram", "histogram2d", "histogram_bin_edges", "histogramdd", "index_exp", "inexact", "info",
    "int_", "intc", "intersect1d", "intp", "invert", "is_busday", "isdtype", "isfortran", "isnat", "issubdtype",
    "iterable", "kaiser", "lcm", "left_shift", "lib", "little_endian", "load", "long", "longdouble", "longlong",
    "ma", "mask_indices", "may_share_memory", "memmap", "mgrid", "min_scalar_type", "mintypecode", "ndenumerate",
    "ndindex", "nditer", "nested_iters", "number", "object_", "ogrid", "packbits", "polydiv", "polynomial", "r_",
    "ravel_multi_index", "rec", "recarray", "record", "require", "right_shift", "save", "savetxt", "savez",
    "savez_compressed", "sctypeDict", "setbufsize", "setdiff1d", "seterr", "seterrcall", "setxor1d",
    "shares_memory", "short", "show_config", "show_runtime", "signedinteger", "single", "str_", "strings", "test",
    "testing", "timedelta64", "typecodes", "typename", "typing", "ubyte", "ufunc", "uint", "uint16", "uint32",
    "uint64", "uintc", "uintp", "ulong", "ulonglong", "union1d", "unique_all", "unique_counts", "unique_inverse",
    "unique_values", "unpackbits", "unsignedinteger", "ushort", "void",
})  # fmt: skip
