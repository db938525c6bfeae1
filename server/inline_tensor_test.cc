#include "server/inline_tensor.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/status_matchers.h"

namespace cairn::server {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<InlineSlice> Parse(const std::string& text) {
  v1::InlineTensor tensor;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &tensor)) << text;
  return InlineSliceOf(tensor, "tensors[0]");
}

TEST(InlineTensor, ValuesAreFloatsInOneDimension) {
  ASSERT_OK_AND_ASSIGN(InlineSlice slice, Parse("key: 'w' values: [1, 2, 3]"));
  EXPECT_EQ(slice.spec.dtype, "float32");
  EXPECT_EQ(slice.spec.shape, std::vector<int64_t>({3}));
  EXPECT_EQ(slice.spec.box, WholeBox(slice.spec.shape));
  EXPECT_EQ(slice.bytes.size(), 12u);
}

TEST(InlineTensor, TextsAreStrings) {
  ASSERT_OK_AND_ASSIGN(InlineSlice slice, Parse("key: 's' texts: 'a' scalar: true"));
  EXPECT_EQ(slice.spec.dtype, "string");
  EXPECT_TRUE(slice.spec.shape.empty());
  EXPECT_EQ(slice.bytes, std::string("\1\0\0\0\0\0\0\0a", 9));
}

TEST(InlineTensor, AttachmentIsBytes) {
  ASSERT_OK_AND_ASSIGN(InlineSlice slice,
                       Parse("key: 'config.json' kind: TENSOR_KIND_ATTACHMENT texts: '{}'"));
  EXPECT_EQ(slice.spec.kind, storage::TensorKind::kAttachment);
  EXPECT_EQ(slice.spec.dtype, "bytes");
  EXPECT_TRUE(slice.spec.shape.empty());
  EXPECT_EQ(slice.bytes, "{}");
}

TEST(InlineTensor, DataKeepsItsBytes) {
  ASSERT_OK_AND_ASSIGN(InlineSlice slice,
                       Parse("key: 'w' dtype: 'int16' data: 'abcd' shape: [1, 2]"));
  EXPECT_EQ(slice.spec.shape, std::vector<int64_t>({1, 2}));
  EXPECT_EQ(slice.bytes, "abcd");
  ASSERT_OK_AND_ASSIGN(InlineSlice flat, Parse("key: 'w' dtype: 'int16' data: 'abcd'"));
  EXPECT_EQ(flat.spec.shape, std::vector<int64_t>({2}));
}

TEST(InlineTensor, SliceIsABoxOfTheShape) {
  ASSERT_OK_AND_ASSIGN(InlineSlice slice,
                       Parse("key: 'w' shape: [4] values: [1, 2] slice { extents { start: 2 } }"));
  EXPECT_EQ(slice.spec.box, (Box{{2}, {2}}));
}

TEST(InlineTensor, NothingAtAllIsAnEmptyTensor) {
  ASSERT_OK_AND_ASSIGN(InlineSlice slice, Parse("key: 'w'"));
  EXPECT_EQ(slice.spec.shape, std::vector<int64_t>({0}));
  EXPECT_EQ(slice.bytes, "");
}

struct BadTensor {
  std::string text;
  std::string message;
};

TEST(InlineTensor, MistakesAreNamedByTheirField) {
  const std::vector<BadTensor> tensors = {
      {"values: 1", "tensors[0].key: "},
      {"key: 'a' dtype: 'float31' values: 1", "tensors[0].dtype: "},
      {"key: 'a' values: 1 texts: 'x'", "more than one"},
      {"key: 'a' dtype: 'int8' values: 300", "tensors[0].values: int8 cannot hold 300"},
      {"key: 'a' dtype: 'int8' texts: 'x'", "tensors[0].texts: "},
      {"key: 'a' shape: 3 values: 1", "gives 1 elements"},
      {"key: 'a' shape: -1 values: 1", "tensors[0].shape: "},
      {"key: 'a' shape: [9223372036854775807, 2] values: 1", "tensors[0].shape: "},
      {"key: 'a' shape: 3 values: 1 slice { extents { start: 3 length: 1 } }",
       "tensors[0].slice: "},
      {"key: 'a' shape: 3 values: 1 slice { extents { start: -1 length: 1 } }",
       "tensors[0].slice: "},
      {"key: 'a' dtype: 'int32' data: 'abc'", "tensors[0].shape: "},
      {"key: 'a' dtype: 'int32' shape: 1 data: 'abc'", "tensors[0].data: "},
      {"key: 'a' dtype: 'string' data: 'abc'", "tensors[0].shape: "},
      {"key: 'a' scalar: true values: [1, 2]", "gives 2 elements"},
  };
  for (const BadTensor& tensor : tensors) {
    EXPECT_THAT(Parse(tensor.text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(tensor.message)))
        << tensor.text;
  }
}

}  // namespace
}  // namespace cairn::server
