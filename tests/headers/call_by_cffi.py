"""call_by_cffi.py DECLARATIONS LIBRARY GOLDEN: simdrop.h as cffi parses it; masks drawn through it must be the golden ones."""
import sys

import cffi

declarations, library, golden = sys.argv[1:]
ffi = cffi.FFI()
with open(declarations, encoding="utf-8") as file:
    ffi.cdef(file.read())
simdrop = ffi.dlopen(library)
masks = 0
with open(golden, encoding="utf-8") as file:
    for line in file:
        if line.startswith("#"):
            continue
        p, seed, stream, offset, n, _, _, packed = line.split()
        n, packed = int(n), bytes.fromhex(packed)
        if int(offset, 16) + n > 2**64:  # golden for the kernels; a call refuses it
            continue
        mask = ffi.new("simdrop_mask *", {"p": float(p), "seed": int(seed, 16), "stream": int(stream, 16), "offset": int(offset, 16)})
        bits, x, y = ffi.new("uint8_t[]", len(packed)), ffi.new("float[]", [1.0] * n), ffi.new("float[]", n)
        status = simdrop.simdrop_forward(mask, simdrop.SIMDROP_F32, n, x, y, bits)
        assert status == simdrop.SIMDROP_OK, (line, ffi.string(simdrop.simdrop_status_string(status)))
        assert bytes(bits) == packed, line
        assert [value != 0 for value in y] == [bool(packed[k // 8] >> k % 8 & 1) for k in range(n)], line
        kept = ffi.new("uint8_t[]", n)
        assert simdrop.simdrop_forward_bytes(mask, simdrop.SIMDROP_F32, n, x, y, kept) == simdrop.SIMDROP_OK, line
        assert [value != 0 for value in y] == [byte == 1 for byte in kept], line
        masks += 1
assert masks > 10


# A thread pool of Python's own, which runs the pieces one by one.
@ffi.callback("simdrop_parallel_for")
def parallel_for(_, count, task, context):
    for piece in reversed(range(count)):
        task(context, piece)


n = 200001
layout = ffi.new("simdrop_layout *")
assert simdrop.simdrop_layout_rows(n, 1, layout) == simdrop.SIMDROP_OK
mask = ffi.new("simdrop_mask *", {"p": 0.5, "seed": 1})
executor = ffi.new("simdrop_executor *", {"parallel_for": parallel_for, "threads": 4})
expected, found = ffi.new("uint8_t[]", n), ffi.new("uint8_t[]", n)
assert simdrop.simdrop_mask_layout_bytes(mask, layout, expected) == simdrop.SIMDROP_OK
assert simdrop.simdrop_parallel_mask_bytes(executor, mask, n, found) == simdrop.SIMDROP_OK
assert bytes(expected) == bytes(found) and 0 < sum(found) < n
assert simdrop.simdrop_forward(mask, simdrop.SIMDROP_F32, n, ffi.NULL, ffi.NULL, ffi.NULL) == simdrop.SIMDROP_ERROR_NULL_POINTER
print(ffi.string(simdrop.simdrop_version_string()).decode(), ffi.string(simdrop.simdrop_backend_current()).decode())
