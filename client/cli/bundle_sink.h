// Restores into a TensorFlow checkpoint on disk.
#ifndef CAIRN_CLIENT_CLI_BUNDLE_SINK_H_
#define CAIRN_CLIENT_CLI_BUNDLE_SINK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "client/cli/bundle_plan.h"
#include "client/cli/checkpoint_sink.h"
#include "client/restore.h"
#include "formats/tensor_bundle/bundle_writer.h"

namespace cairn::cli {

// Writes `<prefix>.index`, its data files and, unless told not to, the `checkpoint` state file
// beside them. Without Finish() nothing stays. A slice's checksum comes from the verified sums of
// the pieces that arrived, so that its bytes are not summed twice.
class BundleSink : public CheckpointSink {
 public:
  struct Options {
    BundleWriter::Options files;
    bool write_state = true;  // the state file, which names this prefix alone
  };

  // `file_system` is not owned.
  // Errors: those of BundleWriter::Create; usage (`prefix` ends with no name).
  static absl::StatusOr<std::unique_ptr<BundleSink>> Create(FileSystem* file_system,
                                                            const std::string& prefix,
                                                            BundlePlan plan,
                                                            const Options& options);

  // Writes what the plan has in memory.
  absl::Status Begin(const v1::OpenRestoreResponse& restore) override;
  // Bytes of what was written in Begin, or is left out, are dropped.
  absl::Status Write(const ArrivedPart& part) override;
  std::vector<v1::Selector> selectors() const override { return selectors_; }
  RestoreTotals totals() const override { return totals_; }
  absl::Status Finish() override;

 private:
  struct Piece {
    int64_t offset;
    int64_t length;
    uint32_t crc32c;
  };

  // What has been planned for a key.
  struct Target {
    size_t tensor;
    size_t first_piece;  // the entry of pieces_ of its first slice
    bool encoded;        // written in Begin()
  };

  BundleSink(FileSystem* file_system, const std::string& prefix, BundlePlan plan, bool write_state);
  void AddTargets();
  absl::Status SetSums();
  absl::StatusOr<uint32_t> SumOf(BundleWriter::SliceNumber number,
                                 std::vector<Piece>& pieces) const;

  FileSystem* const file_system_;
  const std::string prefix_;
  const bool write_state_;
  const std::vector<v1::Selector> selectors_;
  const RestoreTotals totals_;
  const std::set<std::string> skipped_;
  std::vector<EncodedSlice> encoded_;  // until they are written
  std::unique_ptr<BundleWriter> writer_;
  std::map<absl::string_view, Target> targets_;
  Mutex mutex_;
  std::vector<std::vector<Piece>> pieces_ CAIRN_GUARDED_BY(mutex_);  // of all slices
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_BUNDLE_SINK_H_
