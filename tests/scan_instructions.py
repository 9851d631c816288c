#!/usr/bin/env python3
"""Disassembles the library's objects and finds instructions outside the bundle that each may use.

    scan_instructions.py BUILD...            scans release builds
    scan_instructions.py --self-test FOLDER  plants instructions and demands that the scan sees them

On x86-64, a backend's bundle is read from src/<backend>/bundle.h; scalar and core are held to the x86-64 baseline (SSE2). The one object of a
family of backends is held to the bundles in src/<family>/bundles.h, each function to that of the backend that its name tells; a file of
src/sleef to the bundle of its name in bundles.h there. Every object must also contain what makes its backend (zmm registers, ymm registers; SSE4.1 and so on for each of a family), so that the
scan cannot pass on nothing. Where x86's backends ask for non-temporal stores, there are some: clang 14 drops them when it makes one of two
branches. On aarch64 everything is held to the base architecture, except the SVE backend, which is held to SVE, and the functions of
Highway's SVE backends.

Prints a line for each object: "ok ...", "FAILED ...: why" or "skipped ...: why".
"""

import glob
import os
import platform
import re
import shutil
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# The legacy (not VEX, not EVEX) mnemonics above the baseline.
LEGACY = {
    "SSE3": r"addsubp[sd]|haddp[sd]|hsubp[sd]|lddqu|movddup|movs[hl]dup|fisttp\w*",
    "SSSE3": r"pshufb|ph(add|sub)s?[wd]|pmulhrsw|pabs[bwd]|psign[bwd]|palignr|pmaddubsw",
    "SSE41": r"pmulld|pmuldq|p?blendv?(ps|pd|b|w)|p(min|max)(sb|uw|sd|ud)|pextr[bdq]|pinsr[bdq]|insertps|extractps|"
             r"round[ps][sd]|dpp[sd]|mpsadbw|ptest|pmov[sz]x\w+|pcmpeqq|packusdw|phminposuw|movntdqa",
    "SSE42": r"pcmpgtq|pcmp[ei]str[im]|crc32\w*",
    "POPCNT": r"popcnt\w*",
    "LZCNT": r"lzcnt\w*",
    "BMI1": r"andn|bextr|bls(i|r|msk)\w*",  # tzcnt is left out: compilers write it for bsf, which it equals but for zero
    "BMI2": r"mulx|pdep|pext|rorx|sarx|shlx|shrx|bzhi",
    "ADX": r"adcx\w*|adox\w*",
    "MOVBE": r"movbe\w*",
    "AES": r"aes\w+",
    "PCLMUL": r"pclmul\w+",
    "SHA": r"sha(1|256)\w+",
    "RDRAND": r"rdrand\w*|rdseed\w*",
    "GFNI": r"gf2p8\w+",
    "FMA4/XOP": r"vfm(add|sub)\w*4",
}

VEX = {
    "FMA": r"vfn?m(add|sub)\w*",
    "F16C": r"vcvtph2ps|vcvtps2ph",
    "AVX2": r"vpbroadcast[bwdq]|vps[lr]lv[dq]|vpsravd|vpmaskmov[dq]|vinserti128|vextracti128|vperm[dq]|vpermps|vpermpd|"
            r"vperm2i128|vpblendd|vp?gather\w+|vbroadcasti128",
    "BMI1": LEGACY["BMI1"],
    "BMI2": LEGACY["BMI2"],
    "AVX-VNNI": r"vpdp\w+",
    "AVX-IFMA": r"vpmadd52\w+",
    "AES": r"vaes\w+",
    "PCLMUL": r"vpclmul\w+",
    "GFNI": r"vgf2p8\w+",
}
# 256-bit integer arithmetic is AVX2; these are 256-bit AVX in spite of their names.
AVX_256 = r"vptest|vperm2f128|vpermilp[sd]|vmovdq[au]|vlddqu|vmovntdq"

OPMASK = {  # k registers
    "AVX512F": r"k(and|andn|or|xor|xnor|not|mov|ortest|shift[lr]|unpck\w*)w|kunpckbw",
    "AVX512DQ": r"k(and|andn|or|xor|xnor|not|mov|ortest|test|add|shift[lr])b|kaddw|ktestw",
    "AVX512BW": r"k(and|andn|or|xor|xnor|not|mov|ortest|test|add|shift[lr])[dq]|kunpck(wd|dq)",
}

EVEX = {
    "AVX512CD": r"vpconflict[dq]|vplzcnt[dq]|vpbroadcastm\w+",
    "AVX512VBMI": r"vperm(b|[it]2b)|vpmultishiftqb",
    "AVX512VBMI2": r"vp(compress|expand)[bw]|vpsh[lr]dv?[wdq]",
    "AVX512VNNI": r"vpdp\w+",
    "AVX512BITALG": r"vpopcnt[bw]|vpshufbitqmb",
    "AVX512VPOPCNTDQ": r"vpopcnt[dq]",
    "AVX512IFMA": r"vpmadd52\w+",
    "AVX512BF16": r"vcvtne\w+|vdpbf16ps",
    "AVX512FP16": r"v(add|sub|mul|div|max|min|sqrt|cmp|fpclass|getexp|getmant|rcp|rsqrt|reduce|rndscale|scalef|f[cn]?m\w+|"
                  r"comi|ucomi|cvt(?!ps2ph$)\w+)[ps]h|vmovw|vmovsh|vcvtph2(psx|pd|[u]?w|[u]?dq|[u]?qq)|vf[cn]?m\w+[ps]h",
    "AVX512VP2INTERSECT": r"vp2intersect\w+",
    "VAES/VPCLMUL/GFNI": r"vaes\w+|vpclmul\w+|vgf2p8\w+",
    "FMA": r"vfn?m(add|sub)\w*p[sd]|vfn?m(add|sub)\w*s[sd]",
    "AVX512DQ": r"vpmullq|vcvtt?p[sd]2u?qq|vcvtu?qq2p[sd]|v(and|andn|or|xor)p[sd]|v(insert|extract)[fi](64x2|32x8)|"
                r"vpmovm2[dq]|vpmov[dq]2m|vfpclass\w+|vrange\w+|vreduce\w+|vbroadcast[fi](32x2|64x2|32x8)|vp(extr|insr)[dq]",
    "AVX512BW": r"vp(add|sub)(s|us)?[bw]|vpcmp(eq|gt|n?l[te]|neq)?u?[bw]|vmovdqu(8|16)|vpshuf(b|hw|lw)|vpblendm[bw]|"
                r"vpbroadcast[bw]|vptestn?m[bw]|vp(min|max)[su][bw]|vpmovm2[bw]|vpmov[bw]2m|vps[lr]lv?w|vpsravw|vpsraw|"
                r"vperm(w|[it]2w)|vpunpck[lh](bw|wd)|vpack[su]s\w+|vpalignr|vpmadd\w+|vps[lr]ldq|vpmul(lw|hw|huw|hrsw)|"
                r"vpavg[bw]|vpabs[bw]|vpmovs?u?wb|vpmov[sz]xbw|vpsadbw|vdbpsadbw|vp(extr|insr)[bw]",
    "AVX512F": r"vmov(dq[au](32|64)|[au]p[sd]|nt(ps|pd|dqa?)|[dq]|s[sd]|ddup|s[hl]dup|[lh]p[sd]|hlps|lhps)|"
               r"vp(add|sub|and|andn|or|xor)[dq]|vpternlog[dq]|vpmul(u?dq|ld)|"
               r"vps([lr]l|ra)v?[dq]|vpro[lr]v?[dq]|vpshufd|vshuf(p[sd]|[fi](32x4|64x2))|v?punpck[lh]q?dq|vpunpck[lh]q?dq|"
               r"vunpck[lh]p[sd]|valign[dq]|vperm([dq]|p[sd]|ilp[sd]|[it]2([dq]|p[sd]))|vpcmp(eq|gt|n?l[te]|neq)?u?[dq]|"
               r"vptestn?m[dq]|vp(compress|expand)[dq]|v(compress|expand)p[sd]|vpbroadcast[dq]|vbroadcasts[sd]|"
               r"vbroadcast[fi](32x4|64x4)|v(insert|extract)([fi](32x4|64x4)|ps)|v(add|sub|mul|div|max|min|sqrt)[ps][sd]|"
               r"vcmp\w*[ps][sd]|vcvt\w+|vpmov[sz]x\w+|vpmovs?u?s?(qb|qw|qd|db|dw)|v?pblendm[dq]|vblendmp[sd]|vpabs[dq]|"
               r"vp(min|max)[su][dq]|vrndscale[ps][sd]|vgetexp\w+|vgetmant\w+|vscalef\w+|vfixupimm\w+|vrcp14\w+|vrsqrt14\w+|"
               r"vu?comis[sd]|vp?gather\w+|vp?scatter\w+",
}


def matches(pattern, mnemonic):
    return re.fullmatch(pattern, mnemonic) is not None


def first_match(table, mnemonic):
    return next((extension for extension, pattern in table.items() if matches(pattern, mnemonic)), None)


def extensions_of(code, mnemonic, operands):
    """The set of extensions that one instruction needs. `code` is its bytes."""
    position = 0
    while position < len(code) - 1 and code[position] in (0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65, 0x66, 0x67, 0xF2, 0xF3):
        position += 1  # legacy prefixes
    lead = code[position]
    if lead == 0x62:
        extension = first_match(EVEX, mnemonic)
        needed = {extension or "unknown EVEX instruction %s" % mnemonic, "AVX512F"}
        if "%zmm" not in operands and not re.search(r"s[sd]$|v(cvt\w*s[si]|mov[dq]$|p(extr|insr))", mnemonic):
            needed.add("AVX512VL")
        return needed
    if lead in (0xC4, 0xC5) and len(code) > position + 2:
        if mnemonic.startswith("k"):
            return {first_match(OPMASK, mnemonic) or "unknown opmask instruction %s" % mnemonic, "AVX512F"}
        extension = first_match(VEX, mnemonic)
        if extension in ("BMI1", "BMI2"):
            return {extension}
        needed = {"AVX"}
        if extension:
            needed.add(extension)
        if "%ymm" in operands and mnemonic.startswith("vp") and not matches(AVX_256, mnemonic):
            needed.add("AVX2")
        return needed
    extension = first_match(LEGACY, mnemonic)
    return {extension} if extension else set()


# On aarch64: what is above the base architecture.
AARCH64 = {
    "AES or PMULL": r"aes\w+|pmull2?\s.*\.1q.*",
    "SHA": r"sha(1|256|512)\w+",
    "SHA3": r"(eor3|bcax|rax1|xar)\s.*v\d+\..*",
    "CRC32": r"crc32\w+",
    "LSE": r"(cas|swp|ld(add|clr|eor|set|[su]max|[su]min)|st(add|clr|eor|set|[su]max|[su]min))[albhp]*",
    "FP16": r"f(add|sub|mul|div|ml[as]|n?m(add|sub)|max\w*|min\w*|sqrt|abd|cm\w+)\s.*(\.[48]h|\bh\d+).*",
    "RDM": r"sqrdml[as]h",
    "DOTPROD": r"[su]dot",
    "BF16 or I8MM": r"(bf(cvtn?2?|cvtnt|dot|mmla|mlal[bt])|[su]s?mmla)(\s.*)?",
    "JSCVT": r"fjcvtzs",
}
SVE_REGISTER = r"(^|[\s{,])[zp]\d+(\.[bhsdq]|/[zm])"
# SVE2's: those without a predicate that SVE has only with one, and those that compilers and intrinsics make of this library's work.
SVE2 = r"(mul|[su]mulh)\s+z\d+\.[bhsd], z\d+\.[bhsd], z\d+.*|(eor3|bcax|bsl[12n]?|nbsl|xar|[su]mull[bt]|[su]sra|sri|sli|[su]rsra|eorbt|eortb|" \
       r"histcnt|histseg|n?match|whilewr|whilerw|tbx|[us]?q?xtn[bt]|sqxtun[bt]|r?shrn[bt]|r?addhn[bt]|fcvtx?[nl]t|ldnt1\w*|ext[bt]|pmul\w*)\s.*"


def aarch64_extensions_of(mnemonic, operands):
    """The set of extensions that one instruction needs."""
    text = mnemonic + " " + operands
    if re.search(SVE_REGISTER, operands) or re.match(r"(rdvl|addvl|addpl|cnt[bhwd]|inc[bhwd]|dec[bhwd]|whilel[etos])$", mnemonic):
        beyond = {"SVE2": SVE2, "BF16 or I8MM": AARCH64["BF16 or I8MM"]}
        return {"SVE"} | {name for name, pattern in beyond.items() if matches(pattern, text)}
    return {name for name, pattern in AARCH64.items() if matches(pattern, mnemonic) or matches(pattern, text)}


def instructions_of(path, objdump="objdump"):
    """(function, bytes, mnemonic, operands) of every instruction of an object file."""
    listing = subprocess.run([objdump, "-d", "-w", path], capture_output=True, text=True, check=True).stdout
    function = "?"
    for line in listing.splitlines():
        label = re.match(r"[0-9a-f]+ <(.+)>:", line)
        if label:
            function = label.group(1)
            continue
        fields = line.split("\t")
        if len(fields) < 3:
            continue
        words = fields[2].split("#")[0].split(None, 1)
        while len(words) > 1 and words[0] in ("rep", "repz", "repnz", "lock", "notrack", "data16", "cs", "bnd"):
            words = words[1].split(None, 1)
        if words:
            yield function, bytes.fromhex(fields[1].strip().replace(" ", "")), words[0], "\t".join(words[1:] + fields[3:])


class Part:
    """What the functions of a backend, of a family of backends, or of core may use. A function that belongs to no member of a family
    is held to the baseline."""

    def __init__(self, part, name=""):
        self.member_of = lambda function: None
        header = os.path.join(SOURCE, "src", part, "bundle.h")
        family = os.path.join(SOURCE, "src", part, "bundles.h")
        self.bundles = {None: set()}
        if part == "sleef":  # a set of instructions a file
            with open(family, encoding="utf-8") as file:
                text = file.read().replace("\\\n", " ")
            bundle = re.search(r"#define SIMDROP_SLEEF_BUNDLE_%s (.*)" % name.split(".")[0], text).group(1)
            self.bundles[None] = set(re.findall(r"SIMDROP_CPU\((\w+)\)", bundle))
        elif os.path.exists(header):
            with open(header, encoding="utf-8") as file:
                self.bundles[None] = set(re.findall(r"SIMDROP_CPU\((\w+)\)", file.read()))
        elif os.path.exists(family):
            self.member_of = member_of_highway
            with open(family, encoding="utf-8") as file:
                text = file.read().replace("\\\n", " ")
            for name, bundle in re.findall(r"#define SIMDROP_BUNDLE_(\w+) (.*)", text):
                self.bundles[name] = set(re.findall(r"SIMDROP_CPU\((\w+)\)", bundle))
                for other in re.findall(r"SIMDROP_BUNDLE_(\w+)", bundle):
                    self.bundles[name] |= self.bundles[other]


def member_of_highway(function):
    """The backend that a function of the Highway object belongs to, by its name space or, without one, by its beginning."""
    space = re.match(r"_ZN(?:K)?7simdrop(\d+)(N_\w+)", function)
    if space:
        return "highway_" + space.group(2)[2:int(space.group(1))].lower()
    name = re.match(r"simdrop_(highway_(?:avx3|avx2|sse4|ssse3|sse2))_", function)
    return name.group(1) if name else None


def scan(path, part, must_contain="", members=()):
    """None, or what is wrong with an object. `must_contain` has to occur among its operands, and instructions of its own in each of
    the members of a family."""
    seen = False
    count = 0
    used = {member: set() for member in members}
    for function, code, mnemonic, operands in instructions_of(path):
        count += 1
        member = part.member_of(function)
        extensions = extensions_of(code, mnemonic, operands)
        outside = extensions - part.bundles[member]
        if outside:
            return "%s %s in %s needs %s" % (mnemonic, operands, function, ", ".join(sorted(outside)))
        seen = seen or must_contain in operands
        used.setdefault(member, set()).update(extensions)
    if must_contain and not seen:
        return "no %s among %d instructions" % (must_contain, count)
    for member in members:
        if not OWN[member] <= used[member]:
            return "no %s in %s" % (", ".join(OWN[member] - used[member]), member)
    return None


# The functions that have a loop with non-temporal stores, besides others.
NON_TEMPORAL = r"(?:simdrop_\w+_)?scale_(?:in_words|in_bytes|in_runs|in_periods|pages)_\w+"


def scan_non_temporal(path):
    """None, or which function of a backend's consumers has no non-temporal store, although it should."""
    stores = {}
    for function, _, mnemonic, _ in instructions_of(path):
        if re.match(NON_TEMPORAL, function):
            stores[function] = stores.get(function, 0) + bool(re.match(r"v?movnt", mnemonic))
    if not stores:
        return "no function that should have non-temporal stores"
    without = sorted(function for function, count in stores.items() if count == 0)
    return "no non-temporal store in " + without[0] if without else None


MUST_CONTAIN = {"avx512": "%zmm", "avx2": "%ymm"}
OWN = {"highway_avx3": {"AVX512F", "AVX512BW"}, "highway_avx2": {"AVX2", "F16C"}, "highway_sse4": {"SSE41"}, "highway_ssse3": {"SSSE3"},
       "highway_sse2": set()}


def members_of(build, part):
    """The members of a family that a build has."""
    with open(os.path.join(build, "generated", "backend_list.h"), encoding="utf-8") as file:
        return re.findall(r'X\((%s_\w+), "[^"]*", 1\)' % part, file.read())


def aarch64_objdump(path):
    """The program that disassembles an object if it is for aarch64, None if it is not."""
    with open(path, "rb") as file:
        header = file.read(20)
    if header[:4] != b"\x7fELF" or header[18] != 183:
        return None
    return "objdump" if platform.machine() == "aarch64" else "aarch64-linux-gnu-objdump"


def scan_aarch64(path, part, objdump):
    """None, or what is wrong with an object for aarch64."""
    used = set()
    for function, _, mnemonic, operands in instructions_of(path, objdump):
        member = re.search(r"_ZNK?7simdrop\d+N_SVE(2?)[L\d]|simdrop_highway_sve(2?)_", function) if part == "highway" else None
        allowed = {"SVE"} if part == "sve" or member else set()
        if member and (member.group(1) or member.group(2)):
            allowed |= {"SVE2", "SHA3"}
        if mnemonic == "rdvl" and os.path.basename(path).startswith("cpu_probe"):
            continue  # asked for the length of SVE's vectors, where there are some
        extensions = aarch64_extensions_of(mnemonic, operands)
        outside = extensions - allowed
        if outside:
            return "%s %s in %s needs %s" % (mnemonic, operands, function, ", ".join(sorted(outside)))
        used |= extensions
    named = part == "sve" and not os.path.basename(path).startswith("table")
    if "SVE" not in used and (named or part == "highway" and b"highway_sve" in open(path, "rb").read()):
        return "no SVE in it"
    return None


def scan_build(build):
    failures = 0
    objects = sorted(glob.glob(os.path.join(build, "CMakeFiles", "simdrop_*.dir", "src", "*", "*.o")))
    if not objects:
        print("FAILED instruction scan of %s: there are no objects" % build)
        return 1
    for path in objects:
        part, name = path.split(os.sep)[-2:]
        objdump = aarch64_objdump(path)
        fault = scan_aarch64(path, part, objdump) if objdump else scan(path, Part(part, name), "" if name.startswith("table") else MUST_CONTAIN.get(part, ""), members_of(build, part))
        if fault is None and part in MUST_CONTAIN and name.startswith("consumers"):
            fault = scan_non_temporal(path)
        title = "instructions of %s/%s in %s" % (part, name, os.path.basename(os.path.normpath(build)))
        print("FAILED %s: %s" % (title, fault) if fault else "ok %s" % title)
        failures += fault is not None
    return failures


# Functions in which one extension too many is used, with the flags that allow it, and the parts in which it must be found.
PLANTED = [
    ("BMI2 in AVX2 code", "-mavx2 -mf16c -mbmi2", "avx2", "unsigned f(unsigned a, unsigned b) { return a << b; }"),
    ("FMA in AVX2 code", "-mavx2 -mf16c -mfma -ffp-contract=fast", "avx2", "double f(double a, double b, double c) { return a * b + c; }"),
    ("AVX-512 in AVX2 code", "-mavx2 -mavx512f -mprefer-vector-width=512 -O3", "avx2",
     "void f(float *a) { for (int i = 0; i < 4096; ++i) a[i] *= 2; }"),
    ("VBMI in AVX-512 code", "-mavx512f -mavx512bw -mavx512vbmi", "avx512",
     "#include <immintrin.h>\n__m512i f(__m512i a, __m512i b) { return _mm512_permutexvar_epi8(a, b); }"),
    ("BF16 in AVX-512 code", "-mavx512f -mavx512bw -mavx512vl -mavx512bf16", "avx512",
     "#include <immintrin.h>\n__m256bh f(__m512 a) { return _mm512_cvtneps_pbh(a); }"),
    ("AVX in generic code", "-mavx", "core", "double f(double a, double b) { return a * b; }"),
    ("SSE4.1 in generic code", "-msse4.1 -fno-math-errno", "core", "double f(double a) { return __builtin_floor(a); }"),
    ("POPCNT in generic code", "-mpopcnt", "scalar", "int f(unsigned a) { return __builtin_popcount(a); }"),
    ("AVX in Highway's SSE4 code", "-mavx", "highway",
     'double f(double a, double b) __asm__("_ZN7simdrop6N_SSE41fEdd");\ndouble f(double a, double b) { return a * b; }'),
    ("AVX-512 in Highway's AVX2 code", "-mavx512f", "highway",
     "#include <immintrin.h>\n__m512i simdrop_highway_avx2_f(__m512i a) { return _mm512_add_epi64(a, a); }"),
    ("SSSE3 in Highway's code for all targets", "-mssse3", "highway",
     "#include <immintrin.h>\n__m128i f(__m128i a) { return _mm_shuffle_epi8(a, a); }"),
]


# The same for aarch64.
PLANTED_AARCH64 = [
    ("SVE in NEON code", "-march=armv8-a+sve -O3", "neon", "void f(float *a) { for (int i = 0; i < 4096; ++i) a[i] *= 2; }"),
    ("SVE2 in SVE code", "-march=armv8-a+sve2", "sve",
     "#include <arm_sve.h>\nsvuint64_t f(svuint32_t a, svuint32_t b) { return svmullb_u64(a, b); }"),
    ("BF16 in SVE code", "-march=armv8.2-a+sve+bf16", "sve",
     "#include <arm_sve.h>\nsvbfloat16_t f(svfloat32_t a) { return svcvt_bf16_f32_x(svptrue_b32(), a); }"),
    ("SVE2 in Highway's SVE code", "-march=armv8-a+sve2", "highway",
     "#include <arm_sve.h>\nsvuint32_t simdrop_highway_sve_f(svuint32_t a, svuint32_t b, svuint32_t c) { return sveor3_u32(a, b, c); }"),
    ("half-precision arithmetic in NEON code", "-march=armv8.2-a+fp16", "neon",
     "#include <arm_neon.h>\nfloat16x8_t f(float16x8_t a) { return vmulq_f16(a, a); }"),
    ("three-way exclusive or in NEON code", "-march=armv8.2-a+sha3", "neon",
     "#include <arm_neon.h>\nuint64x2_t f(uint64x2_t a, uint64x2_t b, uint64x2_t c) { return veor3q_u64(a, b, c); }"),
    ("AES in Highway's NEON code", "-march=armv8-a+crypto", "highway",
     "#include <arm_neon.h>\nuint8x16_t simdrop_highway_neon_f(uint8x16_t a) { return vaesmcq_u8(a); }"),
    ("atomic instructions in generic code", "-march=armv8.1-a", "core", "int f(int *a) { return __atomic_fetch_add(a, 1, __ATOMIC_SEQ_CST); }"),
    ("SVE in Highway's code for all targets", "-march=armv8-a+sve -O3", "highway",
     "void f(float *a) { for (int i = 0; i < 4096; ++i) a[i] *= 2; }"),
]


def self_test(folder):
    failures = 0
    os.makedirs(folder, exist_ok=True)
    source, planted = os.path.join(folder, "planted.c"), os.path.join(folder, "planted.o")
    for title, flags, part, code in PLANTED_AARCH64:
        if not shutil.which("aarch64-linux-gnu-gcc"):
            print("skipped the scan sees %s: there is no compiler for aarch64" % title)
            continue
        with open(source, "w", encoding="utf-8") as file:
            file.write(code + "\n")
        subprocess.run(["aarch64-linux-gnu-gcc", "-O2", *flags.split(), "-c", source, "-o", planted], check=True)
        fault = scan_aarch64(planted, part, aarch64_objdump(planted))
        print("ok the scan sees %s (%s)" % (title, fault) if fault else "FAILED the scan sees %s: it does not" % title)
        failures += fault is None
    for title, flags, part, code in PLANTED:
        with open(source, "w", encoding="utf-8") as file:
            file.write(code + "\n")
        subprocess.run(["gcc", "-O2", *flags.split(), "-c", source, "-o", planted], check=True)
        fault = scan(planted, Part(part))
        print("ok the scan sees %s (%s)" % (title, fault) if fault else "FAILED the scan sees %s: it does not" % title)
        failures += fault is None
    with open(source, "w", encoding="utf-8") as file:
        file.write("int simdrop_highway_sse4_f(int a) { return a + 1; }\nvoid scale_in_runs_f32(float *a) { *a = 1; }\n")
    subprocess.run(["gcc", "-O2", "-c", source, "-o", planted], check=True)
    for title, fault in [("a loop that lost its non-temporal stores", scan_non_temporal(planted)),
                         ("AVX-512 code without AVX-512", scan(planted, Part("avx512"), "%zmm")),
                         ("Highway's SSE4 code without SSE4", scan(planted, Part("highway"), "", ["highway_sse4"]))]:
        print("ok the scan sees %s (%s)" % (title, fault) if fault else "FAILED the scan sees %s: it does not" % title)
        failures += fault is None
    return failures


def main():
    if platform.machine() not in ("x86_64", "AMD64"):
        print("skipped instruction scan: it knows x86-64 only")
        return 0
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test":
        return 1 if self_test(sys.argv[2]) else 0
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    return 1 if sum(scan_build(build) for build in sys.argv[1:]) else 0


if __name__ == "__main__":
    sys.exit(main())
