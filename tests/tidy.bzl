"""clang-tidy as an aspect, so that Bazel's cache answers for what did not change.

    bazel build --config=tidy --define=clang_tidy=PATH //...

PATH is absolute: the actions' own PATH does not hold the pinned program.
"""

def _tidy_impl(target, ctx):
    if CcInfo not in target or not hasattr(ctx.rule.attr, "srcs") or ctx.label.workspace_root:
        return [OutputGroupInfo(tidy = depset())]
    compilation = target[CcInfo].compilation_context
    flags = ["-std=c++20"]
    flags += ["-D" + define for define in compilation.defines.to_list()]
    flags += ["-D" + define for define in compilation.local_defines.to_list()]
    for folder in compilation.includes.to_list() + compilation.system_includes.to_list():
        flags += ["-isystem", folder]
    for folder in compilation.quote_includes.to_list():
        flags += ["-iquote", folder]
    outputs = []
    for source in ctx.rule.files.srcs:
        if not source.is_source or source.extension != "cc":
            continue
        output = ctx.actions.declare_file(ctx.label.name + "." + source.basename + ".tidy")
        ctx.actions.run_shell(
            command = "%s --quiet --warnings-as-errors='*' %s -- %s && touch %s" % (
                ctx.var["clang_tidy"],
                source.path,
                " ".join(flags),
                output.path,
            ),
            inputs = depset([source, ctx.file._config], transitive = [compilation.headers]),
            mnemonic = "ClangTidy",
            outputs = [output],
            use_default_shell_env = True,
        )
        outputs.append(output)
    return [OutputGroupInfo(tidy = depset(outputs))]

tidy = aspect(
    attrs = {"_config": attr.label(default = "//:.clang-tidy", allow_single_file = True)},
    implementation = _tidy_impl,
)
