// A folder for one test.
#ifndef CAIRN_STORAGE_ENGINE_TEST_FOLDER_H_
#define CAIRN_STORAGE_ENGINE_TEST_FOLDER_H_

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace cairn::storage {

// Empty at first; goes with all that is in it.
class TestFolder {
 public:
  TestFolder() : path_(testing::TempDir() + "/engine.XXXXXX") {
    CAIRN_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }

  // What its files take on the disk, as `du` counts.
  int64_t DiskBytes() const {
    int64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      struct stat info;
      if (lstat(entry.path().c_str(), &info) == 0 && S_ISREG(info.st_mode))
        bytes += info.st_blocks * 512;
    }
    return bytes;
  }

 private:
  std::string path_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_TEST_FOLDER_H_
