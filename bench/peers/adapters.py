"""The peers of bench/peers.py, each called as its users would call it. worker.py runs one of them in a process of its own.

A peer is a class with
    __init__(request)      imports or compiles it; raises Missing, or ImportError, with the reason if it is not there
    version                text
    dtypes, directions     what it has
    uses_openmp            whether its threads are OpenMP's
    most_threads           how many threads it uses at most (default: any number)
    open(case)             gets ready for one case; raises Missing with the reason if it does not do that
    call()                 one dropout, with another mask each time; what it returns is the output (with the gradient: a pair of arrays)
    seconds(calls)         the time of so many calls
    addresses(output)      where the arrays of an output are
    close()
"""

import ctypes
import glob
import os
import re
import subprocess
import sys
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Missing(Exception):
    """The peer, or what it needs, is not here."""


def bytes_at(address, size):
    return (ctypes.c_char * size).from_address(address)


class Peer:
    dtypes = ("f32",)
    directions = ("forward",)
    most_threads = None
    uses_openmp = False
    version = ""

    def __init__(self, request):
        self.threads = request["threads"]
        self.case = None

    def open(self, case):
        self.case = case

    def call(self):
        raise NotImplementedError

    def addresses(self, output):
        raise NotImplementedError

    def seconds(self, calls):
        call = self.call
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - start

    def close(self):
        pass


class PyTorch(Peer):
    dtypes = ("f32", "bf16")
    directions = ("forward", "forward+backward")
    uses_openmp = True

    def __init__(self, request):
        super().__init__(request)
        import torch

        self.torch = torch
        self.version = torch.__version__
        torch.set_num_threads(self.threads)

    def open(self, case):
        super().open(case)
        torch = self.torch
        dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[case.dtype]
        self.x = torch.frombuffer(bytes_at(case.x, case.bytes), dtype=dtype)
        if case.direction == "forward":
            self.call = self.forward
        else:
            self.x.requires_grad_(True)
            self.gradient = torch.frombuffer(bytes_at(case.dy, case.bytes), dtype=dtype)
            self.call = self.forward_and_backward

    def forward(self):
        return self.torch.nn.functional.dropout(self.x, self.case.p, training=True)

    def forward_and_backward(self):
        self.x.grad = None
        y = self.torch.nn.functional.dropout(self.x, self.case.p, training=True)
        y.backward(self.gradient)
        return y, self.x.grad

    def addresses(self, output):
        return [tensor.data_ptr() for tensor in (output if isinstance(output, tuple) else (output,))]


class NativeDropout(PyTorch):
    dtypes = ("f32",)
    directions = ("forward",)

    def forward(self):
        return self.torch.native_dropout(self.x, self.case.p, True)

    def addresses(self, output):
        return [output[0].data_ptr()]


class NumPy(Peer):
    most_threads = 1

    def __init__(self, request):
        super().__init__(request)
        import numpy

        self.numpy = numpy
        self.version = numpy.__version__

    def open(self, case):
        super().open(case)
        numpy = self.numpy
        self.generator = numpy.random.default_rng(42)
        self.x = numpy.frombuffer(bytes_at(case.x, case.bytes), numpy.float32)
        # The idiom is y = x * (rng.random(x.shape) >= p) / (1 - p); this is the same without arrays made anew.
        self.random = numpy.empty(case.n, numpy.float32)
        self.keep = numpy.empty(case.n, numpy.bool_)
        self.y = numpy.empty(case.n, numpy.float32)
        self.p = numpy.float32(case.p)
        self.scale = numpy.float32(1 / (1 - case.p))

    def call(self):
        self.generator.random(dtype=self.numpy.float32, out=self.random)
        self.numpy.greater_equal(self.random, self.p, out=self.keep)
        self.numpy.multiply(self.keep, self.scale, out=self.random)
        self.numpy.multiply(self.x, self.random, out=self.y)
        return self.y

    def addresses(self, output):
        return [output.ctypes.data]


class OnnxRuntime(Peer):
    def __init__(self, request):
        super().__init__(request)
        import numpy
        import onnx
        import onnxruntime

        self.numpy, self.onnx, self.onnxruntime = numpy, onnx, onnxruntime
        self.version = onnxruntime.__version__

    def open(self, case):
        super().open(case)
        helper, types = self.onnx.helper, self.onnx.TensorProto
        # training_mode is an input of the model: as a constant the node would be taken out when the model is loaded.
        graph = helper.make_graph(
            [helper.make_node("Dropout", ["x", "ratio", "training_mode"], ["y"])], "dropout",
            [helper.make_tensor_value_info("x", types.FLOAT, [case.n]), helper.make_tensor_value_info("training_mode", types.BOOL, [])],
            [helper.make_tensor_value_info("y", types.FLOAT, [case.n])],
            initializer=[helper.make_tensor("ratio", types.FLOAT, [], [case.p])])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        options = self.onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        self.session = self.onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        numpy = self.numpy
        self.x = numpy.frombuffer(bytes_at(case.x, case.bytes), numpy.float32)
        self.training_mode = numpy.array(True)
        self.y = numpy.empty(case.n, numpy.float32)
        # Bound arrays: no output is made anew.
        self.binding = self.session.io_binding()
        self.binding.bind_cpu_input("x", self.x)
        self.binding.bind_cpu_input("training_mode", self.training_mode)
        self.binding.bind_output("y", "cpu", 0, numpy.float32, [case.n], self.y.ctypes.data)

    def call(self):
        self.session.run_with_iobinding(self.binding)
        return self.y

    def addresses(self, output):
        return [output.ctypes.data]


class Jax(Peer):
    dtypes = ("f32", "bf16")

    def __init__(self, request):
        super().__init__(request)
        os.environ["JAX_PLATFORMS"] = "cpu"  # the number of threads follows the processors that this process may use
        import jax
        import numpy

        self.jax, self.numpy = jax, numpy
        self.version = jax.__version__

    def open(self, case):
        super().open(case)
        jax, numpy = self.jax, self.numpy
        keep_probability = 1 - case.p

        def step(key, x):  # as flax.linen.Dropout does it, and the key of the next step
            key, subkey = jax.random.split(key)
            keep = jax.random.bernoulli(subkey, keep_probability, x.shape)
            return key, jax.numpy.where(keep, x / keep_probability, jax.numpy.zeros_like(x))

        dtype = numpy.float32 if case.dtype == "f32" else jax.numpy.bfloat16
        self.x = jax.device_put(numpy.frombuffer(bytes_at(case.x, case.bytes), dtype))
        self.key = jax.random.key(42)
        self.step = jax.jit(step)

    def call(self):
        self.key, y = self.step(self.key, self.x)
        return y.block_until_ready()

    def addresses(self, output):
        self.held = self.numpy.asarray(output)
        return [self.held.ctypes.data]


class TensorFlow(Peer):
    dtypes = ("f32", "bf16")

    def __init__(self, request):
        super().__init__(request)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        import numpy
        import tensorflow

        self.tensorflow, self.numpy = tensorflow, numpy
        self.version = tensorflow.__version__
        tensorflow.config.threading.set_intra_op_parallelism_threads(self.threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)

    def open(self, case):
        super().open(case)
        tensorflow, numpy = self.tensorflow, self.numpy
        dtype = tensorflow.float32 if case.dtype == "f32" else tensorflow.bfloat16
        self.x = tensorflow.constant(numpy.frombuffer(bytes_at(case.x, case.bytes), dtype.as_numpy_dtype))
        p = case.p
        self.function = tensorflow.function(lambda x: tensorflow.nn.dropout(x, rate=p))

    def call(self):
        return self.function(self.x)

    def addresses(self, output):
        self.held = output.numpy()
        return [self.held.ctypes.data]


class NativeCase(ctypes.Structure):
    """peer_case of peer.h."""
    _fields_ = [("n", ctypes.c_size_t), ("p", ctypes.c_double), ("threads", ctypes.c_int), ("is_bf16", ctypes.c_int),
                ("x", ctypes.c_void_p), ("y", ctypes.c_void_p)]


def compiled(request, source, output, flags):
    """The shared object that the user's compiler makes of a C source."""
    command = request["cc"] + ["-std=gnu11", "-O3", "-march=native", "-fPIC", "-shared", "-I", FOLDER, source, "-o", output] + flags
    if request["threads"] > 1:
        command.insert(len(request["cc"]), "-fopenmp")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if "error" in line or "cannot find" in line] or done.stdout.splitlines()[-1:] or [""]
        raise Missing("it does not compile: " + lines[0].split("error: ")[-1].strip())
    return output


class Native(Peer):
    """A peer in C that has the functions of peer.h."""
    uses_openmp = True

    def __init__(self, request):
        super().__init__(request)
        source, flags = self.build(request)
        self.library = ctypes.CDLL(compiled(request, source, os.path.join(request["folder"], "peer.so"), flags))
        self.library.peer_version.restype = self.library.peer_open.restype = ctypes.c_char_p
        self.library.peer_output.restype = ctypes.c_void_p
        self.library.peer_run.argtypes = [ctypes.c_uint64]
        self.version = self.library.peer_version().decode("utf-8", "replace")

    def build(self, request):
        """The source, and the compiler's flags for it."""
        return request["source"], []

    def open(self, case):
        super().open(case)
        self.native_case = NativeCase(case.n, case.p, self.threads, case.dtype == "bf16", case.x, case.y)
        reason = self.library.peer_open(ctypes.byref(self.native_case))
        if reason:
            raise Missing(reason.decode("utf-8", "replace"))

    def run(self, calls):
        status = self.library.peer_run(calls)
        if status != 0:
            raise RuntimeError("its error %d" % status)

    def call(self):
        self.run(1)

    def seconds(self, calls):
        start = time.perf_counter()
        self.run(calls)
        return time.perf_counter() - start

    def addresses(self, output):
        return [self.library.peer_output()]

    def close(self):
        self.library.peer_close()


def installed(variable, library, header=None):
    """A library's file and the folder of its headers: where the environment variable says, or else where this Python or the system is
    installed."""
    for root in [os.environ[variable]] if variable in os.environ else [sys.prefix, "/usr/local", "/usr"]:
        files = sorted(glob.glob(os.path.join(root, "lib*", library)) + glob.glob(os.path.join(root, "lib", "*", library)))
        include = os.path.join(root, "include")
        if files and (header is None or os.path.exists(os.path.join(include, header))):
            return files[-1], include
    if variable in os.environ:
        raise Missing("%s is not below %s" % (library, variable))
    raise Missing("%s is not installed with this Python nor on the system; %s may name its folder" % (library, variable))


class Random123(Native):
    def build(self, request):
        flags = ["-I", os.path.join(os.environ["RANDOM123_ROOT"], "include")] if "RANDOM123_ROOT" in os.environ else []
        return os.path.join(FOLDER, "random123.c"), flags

    def __init__(self, request):
        super().__init__(request)
        try:
            done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "librandom123-dev"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, universal_newlines=True, check=False)
        except OSError:
            return
        number = re.match(r"[\d.]+\d", done.stdout)
        if done.returncode == 0 and number and "RANDOM123_ROOT" not in os.environ:
            self.version = "%s, %s" % (number.group(), self.version)


class Mkl(Native):
    generator = 0

    def build(self, request):
        os.environ["MKL_THREADING_LAYER"] = "SEQUENTIAL"  # its generators have no threads in any case
        name, _ = installed("MKL_ROOT", "libmkl_rt.so*")
        return os.path.join(FOLDER, "mkl.c"), ['-DMKL_LIBRARY="%s"' % name, "-DMKL_GENERATOR=%d" % self.generator, "-ldl"]

    def __init__(self, request):
        super().__init__(request)
        number = re.search(r"Version ([\d.]+\d)", self.version)
        self.version = number.group(1) if number else self.version


class MklPhilox(Mkl):
    generator = 16 << 20  # VSL_BRNG_PHILOX4X32X10


class MklMcg31(Mkl):
    generator = 1 << 20  # VSL_BRNG_MCG31


class OneDnn(Native):
    def __init__(self, request):
        super().__init__(request)
        self.uses_openmp = self.version.endswith("OpenMP")

    def build(self, request):
        name, include = installed("ONEDNN_ROOT", "libdnnl.so", "oneapi/dnnl/dnnl.h")
        folder = os.path.dirname(name)
        # The wheel's build for SYCL finds processors through an OpenCL that comes with it.
        opencl = glob.glob(os.path.join(folder, "libintelocl.so"))
        if opencl:
            os.environ.setdefault("OCL_ICD_FILENAMES", opencl[0])
        # The old kind of run-time path serves the library's own needs too.
        return os.path.join(FOLDER, "onednn.c"), ["-I", include, "-L", folder, "-ldnnl",
                                                  "-Wl,--disable-new-dtags,-rpath," + folder, "-Wl,-rpath-link," + folder]


class Libxsmm(Native):
    dtypes = ("f32", "bf16")

    def build(self, request):
        name, include = installed("LIBXSMM_ROOT", "libxsmm.so", "libxsmm.h")
        folder = os.path.dirname(name)
        return os.path.join(FOLDER, "libxsmm.c"), ["-I", include, "-L", folder, "-lxsmm", "-lm", "-Wl,-rpath," + folder]


PEERS = {"random123": Random123, "torch": PyTorch, "native-dropout": NativeDropout, "numpy": NumPy, "onednn": OneDnn,
         "onnxruntime": OnnxRuntime, "mkl-philox": MklPhilox, "mkl-mcg31": MklMcg31, "jax": Jax, "tensorflow": TensorFlow, "libxsmm": Libxsmm}
