// Annotations by which checkpoints and directories remember the TensorFlow folder they came from.
#ifndef CAIRN_CLIENT_CLI_TENSORFLOW_ANNOTATIONS_H_
#define CAIRN_CLIENT_CLI_TENSORFLOW_ANNOTATIONS_H_

namespace cairn::cli {

// The checkpoint's name in its folder, in the text form of keys: "ckpt-7".
inline constexpr char kPrefixAnnotation[] = "tensorflow.prefix";

// Of a checkpoint that a state file listed: its timestamp there, whose last digits save_time lacks,
// or kNoTimestamp. A manager never deletes what is listed without one.
inline constexpr char kTimestampAnnotation[] = "tensorflow.timestamp";
inline constexpr char kNoTimestamp[] = "none";

// Tells two imported checkpoints of one name apart (ContentMark).
inline constexpr char kContentAnnotation[] = "tensorflow.content";

// Of a directory: last_preserved_timestamp of its state file, with all digits.
inline constexpr char kLastPreservedAnnotation[] = "tensorflow.last_preserved_timestamp";

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_TENSORFLOW_ANNOTATIONS_H_
