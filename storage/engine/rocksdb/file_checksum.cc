#include "storage/engine/rocksdb/file_checksum.h"

#include <xxhash.h>

#include <string>

namespace cairn::storage {
namespace {

// Stands in every manifest: never changes its meaning.
constexpr char kGeneratorName[] = "cairn.xxh3-64";

class Generator : public rocksdb::FileChecksumGenerator {
 public:
  Generator() : state_(XXH3_createState()) { XXH3_64bits_reset(state_.get()); }

  void Update(const char* data, size_t n) override { XXH3_64bits_update(state_.get(), data, n); }

  void Finalize() override {
    XXH64_canonical_t canonical;
    XXH64_canonicalFromHash(&canonical, XXH3_64bits_digest(state_.get()));
    checksum_.assign(reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest));
  }

  std::string GetChecksum() const override { return checksum_; }
  const char* Name() const override { return kGeneratorName; }

 private:
  struct FreeState {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  const std::unique_ptr<XXH3_state_t, FreeState> state_;
  std::string checksum_;
};

class Factory : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& context) override {
    const std::string& requested = context.requested_checksum_func_name;
    if (!requested.empty() && requested != kGeneratorName) return nullptr;
    return std::make_unique<Generator>();
  }
  const char* Name() const override { return "cairn.Xxh3FileChecksumFactory"; }
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> NewXxh3FileChecksumFactory() {
  return std::make_shared<Factory>();
}

}  // namespace cairn::storage
