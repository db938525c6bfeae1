"""A fuzzer and its seeds, each run in two ways."""

def cairn_fuzzer(name, deps, srcs = []):
    """Makes two targets of NAME.cc, which defines LLVMFuzzerTestOneInput.

    NAME is the libFuzzer program, for `--config=fuzz` alone; `tests/run.sh fuzz` builds and runs
    each target that is tagged so. NAME_seeds_test gives every file of corpus/<NAME without
    _fuzzer>/ to the same function, as an ordinary test with any compiler.
    """
    if not name.endswith("_fuzzer"):
        fail("a fuzzer is called <what>_fuzzer, not " + name)
    corpus = native.glob(["corpus/%s/*" % name[:-len("_fuzzer")]], allow_empty = False)
    native.cc_binary(
        name = name,
        testonly = True,
        srcs = [name + ".cc"] + srcs,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["fuzz", "manual"],
        deps = deps,
    )
    native.cc_test(
        name = name + "_seeds_test",
        size = "small",
        srcs = [name + ".cc", "replay_main.cc"] + srcs,
        args = ["$(rootpath %s)" % seed for seed in corpus],
        data = corpus,
        deps = deps,
    )
