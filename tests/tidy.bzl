"""clang-tidy over our own C++ files, as an aspect, so that the disk cache holds its results.

    bazel build //... --aspects=//tests:tidy.bzl%tidy --output_groups=tidy --action_env=CLANG_TIDY=/path/to/clang-tidy
"""

def _tidy_impl(target, ctx):
    if CcInfo not in target or not hasattr(ctx.rule.attr, "srcs") or ctx.label.workspace_root:
        return [OutputGroupInfo(tidy = depset())]
    context = target[CcInfo].compilation_context
    flags = ["-std=c++20"] + ["-D" + d for d in context.defines.to_list() + context.local_defines.to_list()]
    for include in context.includes.to_list() + context.system_includes.to_list():
        flags += ["-isystem", include]
    for include in context.quote_includes.to_list():
        flags += ["-iquote", include]
    outputs = []
    for source in ctx.rule.files.srcs:
        if source.is_source and source.extension == "cc":
            output = ctx.actions.declare_file(ctx.label.name + "." + source.basename + ".tidy")
            ctx.actions.run_shell(
                inputs = depset([source, ctx.file._config], transitive = [context.headers]),
                outputs = [output],
                mnemonic = "ClangTidy",
                use_default_shell_env = True,
                command = "${CLANG_TIDY:-clang-tidy} --quiet --warnings-as-errors='*' %s -- %s && touch %s" % (
                    source.path,
                    " ".join(flags),
                    output.path,
                ),
            )
            outputs.append(output)
    return [OutputGroupInfo(tidy = depset(outputs))]

tidy = aspect(
    implementation = _tidy_impl,
    attrs = {"_config": attr.label(default = "//:.clang-tidy", allow_single_file = True)},
)
