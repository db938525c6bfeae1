// How what a safetensors file says besides its tensors is kept: as attachments.
#ifndef CAIRN_CLIENT_CLI_SAFETENSORS_METADATA_H_
#define CAIRN_CLIENT_CLI_SAFETENSORS_METADATA_H_

namespace cairn::cli {

// The annotation that names the file that was saved, without its folder.
inline constexpr char kSafetensorsFileAnnotation[] = "safetensors.file";

// The attachment that holds `__metadata__` as a JSON object of strings: what a restore writes
// again. Of several files, the entries that no two of them contradict each other in.
inline constexpr char kSafetensorsMetadataAttachment[] = "safetensors.metadata.json";
// Before the name of each of several files that do not all have the same `__metadata__`: an
// attachment of that form for each that has some.
inline constexpr char kSafetensorsFileMetadataPrefix[] = "safetensors.metadata.json/";
// The index of several files, as it is.
inline constexpr char kSafetensorsIndexAttachment[] = "safetensors.index.json";

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_SAFETENSORS_METADATA_H_
