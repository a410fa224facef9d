"""The benchmark: `python -m tests.bench` measures snapioc side by side with the other ways to the same end, in one go.

Decided: every participant that speaks Channel Access is a child process with a libca of its own, times itself, and takes
its turn between the others, so that what disturbs the machine for a while disturbs all of them. Figures are medians, and
what counts are ratios to the leanest loop there is without a compiler, measured in the same run. Nothing here asserts a
time: a benchmark reports. `tests/system/test_bench_smoke.py` keeps it running.
"""
