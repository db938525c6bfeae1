"""C++ from .proto files with Debian's protoc, without proto_library (which would need its own toolchain)."""

def cairn_proto(name, srcs, deps = [], grpc = False, root = "proto", **kwargs):
    """Makes `name`, a cc_library with the .pb.h files (and .grpc.pb.h if grpc), and `name`_protos.

    Import paths and includes start below `root`, e.g. "cairn/v1/types.proto"; root = "" is the
    repository itself. `deps` are full labels with a
    target name. alwayslink keeps the descriptors that only server reflection looks for.
    """
    native.filegroup(name = name + "_protos", srcs = srcs + [d + "_protos" for d in deps], **kwargs)
    stems = [s[:-len(".proto")] for s in srcs]
    hdrs = [s + ".pb.h" for s in stems]
    ccs = [s + ".pb.cc" for s in stems]
    out = "$(BINDIR)/" + root
    cmd = "$(execpath @system//:bin/protoc) -I%s --cpp_out=%s" % (root or ".", out)
    tools = ["@system//:bin/protoc"]
    if grpc:
        hdrs += [s + ".grpc.pb.h" for s in stems]
        ccs += [s + ".grpc.pb.cc" for s in stems]
        cmd += " --plugin=protoc-gen-grpc=$(execpath @system//:bin/grpc_cpp_plugin) --grpc_out=" + out
        tools.append("@system//:bin/grpc_cpp_plugin")
    native.genrule(
        name = name + "_cc",
        srcs = srcs + [d + "_protos" for d in deps],
        outs = hdrs + ccs,
        cmd = cmd + " " + " ".join(["$(execpath %s)" % s for s in srcs]),
        tools = tools,
    )
    native.cc_library(
        name = name,
        srcs = ccs,
        hdrs = hdrs,
        strip_include_prefix = "/" + root if root else None,
        alwayslink = True,
        deps = deps + ["@system//:grpc" if grpc else "@system//:protobuf"],
        **kwargs
    )
