#!/usr/bin/env python3
# Checks the machine code of the micro-kernels: the multiplications it should have, in registers.
# SPDX-License-Identifier: Apache-2.0
"""Usage: hot_loops.py BUILD_FOLDER | --self-test

A compiler that keeps an accumulator in memory makes a kernel three times slower and no test fails.
Time is a poor witness on a shared machine; the code itself is a good one. For every micro-kernel of
every instruction set's object this finds the loop that multiplies, counts its multiplications (FMA, with
SSE4.1 mulps), and refuses access to the stack in it. Nor may pool_mix's innermost loops keep vectors there.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# rows x 2 vectors x steps of depth, once per turn of the loop (kernels/simd/gemm_tile.hpp,
# kUnrolledSteps).
PRODUCTS_PER_ROW = {"sse4_1": 2 * 16, "avx2": 2 * 16, "avx512": 2 * 4}
# GELU of two vectors, beside fc1 (kernels/simd/channel_mlp.hpp, SideWork).
SIDE_PRODUCTS = {("avx512", "fc1_rows"): 2 * 4}
# Stack accesses per product. SSE4.1 needs a register for each product, too, and g++ 12 parks some of them
# where six rows need all 16 (0.07); one accumulator of six rows in memory makes 0.17, of fewer more.
STACK_SHARE = {"sse4_1": 0.1, "avx2": 0, "avx512": 0}
MICRO_KERNEL = re.compile(r"(ChannelMlp|GemmConvolution|WinogradConvolution)"
                          r"<.*, (?P<block>\d+)ul, (?P<max_rows>\d+)ul>"
                          r"::(?P<name>fc1_rows|fc2_rows|conv_rows|term_rows)<(?P<rows>\d+)ul>")
NAMES = {"fc1_rows", "fc2_rows", "conv_rows", "term_rows"}
# pool_mix with the block that the instruction set's own table has; SSE4.1 has too few registers.
POOL_MIX = {"avx2": "8ul>::mix_strip(", "avx512": "16ul>::mix_strip("}
VECTOR_TO_STACK = re.compile(r"^v?mov[au]p[sd] %[xyz]mm\d+,(-?0x[0-9a-f]+)?\(%rsp\)")

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(?P<code>.*)$")
JUMP = re.compile(r"^j\w+\s+([0-9a-f]+) <")
PRODUCT = re.compile(r"^(vfn?m(add|sub)\w+|mulps )")


def disassemble(path):
    """function name -> [(address, instruction)], in the order of the code."""
    command = ["objdump", "-d", "-C", "--no-show-raw-insn", str(path)]
    functions, current = {}, None
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        if match := FUNCTION.match(line):
            current = functions.setdefault(match[1], [])
        elif current is not None and (match := INSTRUCTION.match(line)):
            current.append((int(match[1], 16), match["code"]))
    return functions


def successors(code):
    """index -> indices of the instructions that may run next."""
    index_of = {address: i for i, (address, _) in enumerate(code)}
    edges = []
    for i, (_, instruction) in enumerate(code):
        following = []
        if (match := JUMP.match(instruction)) and int(match[1], 16) in index_of:
            following.append(index_of[int(match[1], 16)])
        if not re.match(r"(jmp|ret|notrack jmp)", instruction) and i + 1 < len(code):
            following.append(i + 1)
        edges.append(following)
    return edges


def walk(edges, start, seen):
    """The unseen nodes reachable from `start`, each after all that it leads to; marks them seen."""
    order, stack = [], [(start, iter(edges[start]))]
    seen.add(start)
    while stack:
        node, following = stack[-1]
        for reached in following:
            if reached not in seen:
                seen.add(reached)
                stack.append((reached, iter(edges[reached])))
                break
        else:
            order.append(node)
            stack.pop()
    return order


def loops(code):
    """The instructions of each outermost loop: the strongly connected parts of the control flow."""
    edges = successors(code)
    backward = [[] for _ in code]
    for node, following in enumerate(edges):
        for reached in following:
            backward[reached].append(node)
    seen, order = set(), []
    for node in range(len(code)):
        if node not in seen:
            order += walk(edges, node, seen)
    seen = set()
    for node in reversed(order):
        if node not in seen:
            part = walk(backward, node, seen)
            if len(part) > 1 or node in edges[node]:
                yield [code[i][1] for i in sorted(part)]


def count_products(body):
    return sum(1 for instruction in body if PRODUCT.match(instruction))


def multiplying_loop(code):
    """The loop with the most products, or nothing."""
    return max(loops(code), key=count_products, default=[])


def stack_accesses(code, body):
    """Instructions of `body` that touch the stack; rbp counts where it is the frame pointer."""
    has_frame = any(re.match(r"mov\s+%rsp,%rbp", instruction) for _, instruction in code)
    stack = re.compile(r"\(%r(sp|bp)\b" if has_frame else r"\(%rsp\b")
    return [instruction for instruction in body
            if stack.search(instruction) or re.match(r"(push|pop|call)", instruction)]


def check_function(name, code, expected_products, stack_share=0):
    """What is wrong with one micro-kernel, as a list of sentences."""
    body = multiplying_loop(code)
    problems = []
    if count_products(body) != expected_products:
        problems.append(f"{name}: {count_products(body)} products in the loop, "
                        f"expected {expected_products}")
    accesses = stack_accesses(code, body)
    if len(accesses) > stack_share * expected_products:
        problems += [f"{name}: the loop touches the stack: {access}" for access in accesses[:3]]
    return problems


def innermost_loops(code):
    """The instructions between each conditional jump backward and its target, if none is between."""
    index_of = {address: i for i, (address, _) in enumerate(code)}
    spans = []
    for last, (_, instruction) in enumerate(code):
        match = JUMP.match(instruction)
        first = index_of.get(int(match[1], 16), last + 1) if match else last + 1
        if first <= last and not instruction.startswith("jmp"):
            spans.append((first, last))
    for first, last in spans:
        if not any(first <= start and end < last for start, end in spans):
            yield [instruction for _, instruction in code[first:last + 1]]


def vectors_to_stack(code):
    """Instructions in innermost loops that store a vector on the stack."""
    return [instruction for body in innermost_loops(code) for instruction in body
            if VECTOR_TO_STACK.match(instruction)]


def check_pool_mix(target, path, functions):
    """What is wrong with pool_mix's loops, as a list of sentences."""
    if target not in POOL_MIX:
        return []
    strips = [code for function, code in functions.items() if POOL_MIX[target] in function]
    if len(strips) != 1:
        return [f"{path}: found {len(strips)} functions {POOL_MIX[target]}...), expected 1"]
    if not any(count_products(body) for body in innermost_loops(strips[0])):
        return [f"{path}: found no loop of pool_mix that multiplies"]
    return [f"{path.name}: pool_mix's loop keeps a vector on the stack: {store}"
            for store in vectors_to_stack(strips[0])[:3]]


def check_target(target, path):
    """Problems of one object, and how many micro-kernels it has."""
    functions, seen = disassemble(path), {}
    problems = check_pool_mix(target, path, functions)
    for function, code in functions.items():
        if match := MICRO_KERNEL.search(function):
            rows, max_rows = int(match["rows"]), int(match["max_rows"])
            name = f"{path.name}: {match['name']}<{rows}>, block {match['block']}"
            products = PRODUCTS_PER_ROW[target] * rows
            products += SIDE_PRODUCTS.get((target, match["name"]), 0)
            problems += check_function(name, code, products, STACK_SHARE[target])
            seen.setdefault((match["name"], match["block"], max_rows), set()).add(rows)
    for (name, block, max_rows), rows in seen.items():
        if rows != set(range(1, max_rows + 1)):
            problems.append(f"{path.name}: {name}, block {block}: found rows {sorted(rows)}, "
                            f"expected 1 to {max_rows}")
    if {name for name, _, _ in seen} != NAMES:
        problems.append(f"{path}: found micro-kernels {sorted(seen)}, expected {sorted(NAMES)}")
    return problems, sum(len(rows) for rows in seen.values())


def check(build):
    problems, total = [], 0
    for target in PRODUCTS_PER_ROW:
        objects = sorted(build.glob(f"kernels/**/targets/{target}.cpp.o"))
        if len(objects) != 1:
            sys.exit(f"{build}: found {len(objects)} objects of kernels/targets/{target}.cpp, "
                     "expected 1. Is this the folder in which the library was built?")
        found, count = check_target(target, objects[0])
        problems += found
        total += count
    print("\n".join(problems) or f"{total} micro-kernels multiply in registers")
    return problems


SELF_TEST = """
#include <immintrin.h>
void good(const float* a, float* c, long n) {
    __m256 sum = _mm256_loadu_ps(c);
    for (long i = 0; i < n; ++i) sum = _mm256_fmadd_ps(sum, sum, _mm256_loadu_ps(a + i));
    _mm256_storeu_ps(c, sum);
}
void spilling(const float* a, float* c, long n) {
    volatile __m256 sum = _mm256_loadu_ps(c);
    for (long i = 0; i < n; ++i) sum = _mm256_fmadd_ps(sum, sum, _mm256_loadu_ps(a + i));
    _mm256_storeu_ps(c, sum);
}
"""


def self_test():
    """A loop that keeps its sum on the stack is found, and so is a wrong number of products."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "loops.cpp"
        source.write_text(SELF_TEST, encoding="utf-8")
        subprocess.run(["g++", "-O2", "-mavx2", "-mfma", "-c", str(source), "-o", f"{source}.o"],
                       check=True)
        functions = {name.split("(")[0]: code for name, code in disassemble(f"{source}.o").items()}
    if check_function("good", functions["good"], 1):
        sys.exit("self-test: a good loop is refused")
    if not check_function("good", functions["good"], 2):
        sys.exit("self-test: a wrong number of products is not found")
    if not check_function("spilling", functions["spilling"], 1):
        sys.exit("self-test: an accumulator on the stack is not found")
    if not vectors_to_stack(functions["spilling"]) or vectors_to_stack(functions["good"]):
        sys.exit("self-test: a vector on the stack is not found, or found where there is none")
    if check_function("spilling", functions["spilling"], 1, stack_share=3):
        sys.exit("self-test: what the stack may be used for is refused")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif len(sys.argv) != 2:
        sys.exit(__doc__)
    else:
        sys.exit(1 if check(pathlib.Path(sys.argv[1])) else 0)


if __name__ == "__main__":
    main()
