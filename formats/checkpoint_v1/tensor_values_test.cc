#include "formats/checkpoint_v1/tensor_values.h"

#include <functional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "formats/checkpoint_v1/checkpoint_v1.pb.h"
#include "formats/tensor_bundle/coding.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn {
namespace {

using formats::TensorProto;
using ::testing::HasSubstr;

constexpr int32_t kFloat = 1, kInt32 = 3, kUint8 = 4, kString = 7, kBool = 10;

// A table whose one value is a message.
class Values {
 public:
  explicit Values(const std::string& message) {
    auto file = files_.CreateForWrite("t").value();
    IndexTableWriter writer(file.get());
    writer.Add("k", message);
    CAIRN_CHECK(writer.Finish().ok() && file->Finish().ok());
    CAIRN_CHECK(tables_
                    .Visit(0,
                           [this](absl::string_view, const TableValue& value) {
                             value_ = value;
                             return absl::OkStatus();
                           })
                    .ok());
  }

  absl::Status Scan(int32_t dtype, const std::vector<int64_t>& shape) {
    CAIRN_ASSIGN_OR_RETURN(scanned_, TensorValues::Scan(tables_, value_, 0, value_.size,
                                                        *FindValueEncoding(dtype), shape));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Read(int64_t offset, int64_t size) const {
    std::string out(static_cast<size_t>(size), '\0');
    CAIRN_RETURN_IF_ERROR(scanned_.Read(tables_, offset, absl::MakeSpan(out)));
    return out;
  }

  // All bytes, read in pieces of `piece`, the last first.
  absl::StatusOr<std::string> ReadInPieces(int64_t piece) const {
    std::string out(static_cast<size_t>(scanned_.bytes_count()), '\0');
    for (int64_t at = (scanned_.bytes_count() - 1) / piece * piece; at >= 0; at -= piece) {
      const int64_t size = std::min(piece, scanned_.bytes_count() - at);
      CAIRN_RETURN_IF_ERROR(scanned_.Read(
          tables_, at,
          absl::MakeSpan(out).subspan(static_cast<size_t>(at), static_cast<size_t>(size))));
    }
    return out;
  }

  const TensorValues& scanned() const { return scanned_; }
  MemoryFileSystem& files() { return files_; }

 private:
  MemoryFileSystem files_;
  ValueTables tables_{&files_, {"t"}};
  TableValue value_;
  TensorValues scanned_;
};

// The bytes of three elements of `dtype`, in hex.
std::string Decoded(int32_t dtype, const std::function<void(TensorProto*)>& fill) {
  TensorProto proto;
  fill(&proto);
  Values values(proto.SerializeAsString());
  const absl::Status scanned = values.Scan(dtype, {3});
  if (!scanned.ok()) return std::string(scanned.message());
  const absl::StatusOr<std::string> bytes = values.Read(0, values.scanned().bytes_count());
  if (!bytes.ok()) return bytes.status().ToString();
  EXPECT_EQ(values.scanned().crc32c(), Crc32c(*bytes)) << dtype;
  return absl::BytesToHexString(*bytes);
}

template <typename Numbers, typename Values>
void Fill(Numbers* numbers, const Values& values) {
  for (const auto value : values) numbers->Add(value);
}

TEST(TensorValuesTest, IntegersAreTheLowerBytesOfTheirField) {
  const auto ints = [](TensorProto* p) { Fill(p->mutable_int_val(), std::vector{1, -2, 300}); };
  EXPECT_EQ(Decoded(kInt32, ints), "01000000feffffff2c010000");
  EXPECT_EQ(Decoded(13, ints), "01000000feffffff2c010000");  // qint32
  for (int32_t dtype : {5, 15, 16, 17}) {                    // int16, qint16, quint16, uint16
    EXPECT_EQ(Decoded(dtype, ints), "0100feff2c01");
  }
  for (int32_t dtype : {4, 6, 11, 12}) {  // uint8, int8, qint8, quint8
    EXPECT_EQ(Decoded(dtype, ints), "01fe2c");
  }
}

TEST(TensorValuesTest, WideIntegersHaveFieldsOfTheirOwn) {
  EXPECT_EQ(Decoded(9,
                    [](TensorProto* p) {
                      Fill(p->mutable_int64_val(), std::vector<int64_t>{1, -2, INT64_MIN});
                    }),
            "0100000000000000feffffffffffffff0000000000000080");
  EXPECT_EQ(Decoded(22,
                    [](TensorProto* p) {
                      Fill(p->mutable_uint32_val(), std::vector<uint32_t>{1, 2, UINT32_MAX});
                    }),
            "0100000002000000ffffffff");
  EXPECT_EQ(Decoded(23,
                    [](TensorProto* p) {
                      Fill(p->mutable_uint64_val(), std::vector<uint64_t>{1, 2, UINT64_MAX});
                    }),
            "01000000000000000200000000000000ffffffffffffffff");
}

TEST(TensorValuesTest, RealNumbersAreAsTheyStand) {
  EXPECT_EQ(
      Decoded(kFloat, [](TensorProto* p) { Fill(p->mutable_float_val(), std::vector{1, 2, 3}); }),
      "0000803f0000004000004040");
  EXPECT_EQ(Decoded(2, [](TensorProto* p) { Fill(p->mutable_double_val(), std::vector{1, 2, 3}); }),
            "000000000000f03f00000000000000400000000000000840");
}

TEST(TensorValuesTest, HalfNumbersAreTheirBits) {
  for (int32_t dtype : {14, 19}) {  // bfloat16, float16
    EXPECT_EQ(Decoded(dtype,
                      [](TensorProto* p) {
                        Fill(p->mutable_half_val(), std::vector{0x3c00, 0xffff, 1});
                      }),
              "003cffff0100");
  }
}

TEST(TensorValuesTest, ComplexNumbersAreTwo) {
  EXPECT_EQ(Decoded(8,
                    [](TensorProto* p) {
                      Fill(p->mutable_scomplex_val(), std::vector{1, 2, 3, 1, 2, 3});
                    }),
            "0000803f00000040000040400000803f0000004000004040");
  EXPECT_EQ(Decoded(18,
                    [](TensorProto* p) {
                      Fill(p->mutable_dcomplex_val(), std::vector{1, 0, 0, 1, 2, 0});
                    }),
            "000000000000f03f0000000000000000"
            "0000000000000000000000000000f03f"
            "00000000000000400000000000000000");
  EXPECT_THAT(
      Decoded(8,
              [](TensorProto* p) { Fill(p->mutable_scomplex_val(), std::vector{1, 2, 3, 1, 2}); }),
      HasSubstr("5 values, but its shape [3] takes 6"));
}

TEST(TensorValuesTest, AnyBoolButZeroIsTrue) {
  EXPECT_EQ(
      Decoded(kBool,
              [](TensorProto* p) { Fill(p->mutable_bool_val(), std::vector{true, false, true}); }),
      "010001");
  // What protobuf would take for true as well: 2, and 2^40.
  Values values("\x5a\x08\x02" + std::string("\0", 1) + "\x80\x80\x80\x80\x80\x40");
  ASSERT_OK(values.Scan(kBool, {3}));
  EXPECT_THAT(values.Read(0, 3), IsOkAndHolds(std::string("\1\0\1", 3)));
}

TEST(TensorValuesTest, SmallFloatsAreABytestring) {
  for (int32_t dtype : {24, 25, 26, 27, 28}) {
    EXPECT_EQ(Decoded(dtype,
                      [](TensorProto* p) {
                        p->set_float8_val(
                            "a\xff"
                            "c");
                      }),
              "61ff63");
    EXPECT_THAT(Decoded(dtype, [](TensorProto* p) { p->set_float8_val("ab"); }),
                HasSubstr("2 values, but its shape [3] takes 3"));
  }
}

TEST(TensorValuesTest, SmallFloatsThatAreThereTwiceAreRefused) {
  Values values(
      std::string("\x92\x01\x01"
                  "a"
                  "\x92\x01\x01"
                  "b"));
  EXPECT_THAT(values.Scan(24, {2}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("twice")));
}

TEST(TensorValuesTest, StringsAreTheirLengthsAndThenTheirBytes) {
  EXPECT_EQ(Decoded(kString,
                    [](TensorProto* p) {
                      for (const char* value : {"a", "", "xyz"}) p->add_string_val(value);
                    }),
            "010000000000000000000000000000000300000000000000"
            "6178797a");
}

TEST(TensorValuesTest, OtherDtypesHaveNoValuesInV1Files) {
  for (int32_t dtype : {-1, 0, 20, 21, 29, 30, 31, 33, 101, 1000}) {
    EXPECT_EQ(FindValueEncoding(dtype), nullptr) << dtype;
  }
}

TEST(TensorValuesTest, AsManyValuesAsElementsAreWanted) {
  const auto floats = [](int number) {
    return [number](TensorProto* p) {
      for (int i = 0; i < number; ++i) p->add_float_val(7);
    };
  };
  // TensorFlow's "Error copying slice data", not its shorthand for a value that repeats.
  EXPECT_THAT(Decoded(kFloat, floats(1)), HasSubstr("1 values, but its shape [3] takes 3"));
  EXPECT_THAT(Decoded(kFloat, floats(0)), HasSubstr("0 values, but its shape [3] takes 3"));
  EXPECT_THAT(Decoded(kFloat, floats(4)), HasSubstr("too many values"));
  EXPECT_THAT(Decoded(kString, [](TensorProto* p) { p->add_string_val("a"); }),
              HasSubstr("1 values, but its shape [3] takes 3"));
}

TEST(TensorValuesTest, ValuesInAnotherPlaceAreRefused) {
  EXPECT_THAT(Decoded(kFloat, [](TensorProto* p) { p->set_tensor_content("0123456789ab"); }),
              HasSubstr("it has values in field 4, those of its dtype are in field 5"));
  EXPECT_THAT(Decoded(kFloat,
                      [](TensorProto* p) {
                        Fill(p->mutable_float_val(), std::vector{1, 2, 3});
                        p->add_int_val(1);
                      }),
              HasSubstr("it has values in field 7"));
  // An int_val without a list, which is no list of no bytes.
  Values unpacked(std::string("\x38\x01", 2));
  EXPECT_THAT(unpacked.Scan(kFloat, {0}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("field 7")));
}

TEST(TensorValuesTest, ItsOwnDtypeAndShapeMustAgree) {
  const auto with = [](const std::function<void(TensorProto*)>& more) {
    return Decoded(kFloat, [&](TensorProto* p) {
      Fill(p->mutable_float_val(), std::vector{1, 2, 3});
      more(p);
    });
  };
  EXPECT_EQ(with([](TensorProto* p) {
              p->set_dtype(kFloat);
              p->mutable_tensor_shape()->add_dim()->set_size(3);
              p->set_version_number(1);
            }),
            "0000803f0000004000004040");
  EXPECT_THAT(with([](TensorProto* p) { p->set_dtype(2); }), HasSubstr("dtype 2, not 1"));
  EXPECT_THAT(with([](TensorProto* p) { p->mutable_tensor_shape()->add_dim()->set_size(5); }),
              HasSubstr("the shape [5], not [3]"));
  EXPECT_THAT(with([](TensorProto* p) {
                p->mutable_tensor_shape()->add_dim()->set_size(3);
                p->mutable_tensor_shape()->set_unknown_rank(true);
              }),
              HasSubstr("the shape"));
}

TEST(TensorValuesTest, ListsInPiecesAndNumbersWithoutAListCount) {
  // int_val: the list 1, 2; the number 3; the list 4.
  Values values(
      "\x3a\x02\x01\x02"
      "\x38\x03"
      "\x3a\x01\x04");
  ASSERT_OK(values.Scan(kUint8, {2, 2}));
  EXPECT_THAT(values.ReadInPieces(1), IsOkAndHolds("\1\2\3\4"));
  // float_val: a number without a list.
  Values one(
      "\x2d"
      "abcd");
  ASSERT_OK(one.Scan(kFloat, {}));
  EXPECT_THAT(one.ReadInPieces(3), IsOkAndHolds("abcd"));
}

TEST(TensorValuesTest, NumbersThatAreCutAreRefused) {
  for (const std::string& message : {
           std::string("\x2a\x05"
                       "abcde"),                           // a float and a byte
           std::string("\x3a\x01\x80"),                    // a varint without its end
           "\x3a\x0b" + std::string(10, '\x80') + "\x01",  // a varint of 11 bytes
           std::string("\x3d"
                       "abcd"),  // int_val as fixed32
           std::string("\x29"
                       "abcdefgh"),  // float_val as fixed64
           std::string("\x40\x01"),  // string_val as a varint
           std::string("\x2a\x05"
                       "ab"),  // a list beyond the message
       }) {
    Values values(message);
    for (int32_t dtype : {kFloat, kInt32, kString}) {
      EXPECT_THAT(values.Scan(dtype, {1}), StatusIs(absl::StatusCode::kDataLoss))
          << testing::PrintToString(message);
    }
  }
}

TEST(TensorValuesTest, AShapeThatOverflowsIsRefused) {
  Values values("");
  EXPECT_FALSE(values.Scan(kFloat, {INT64_MAX}).ok());
  EXPECT_FALSE(values.Scan(8, {INT64_MAX / 4}).ok());
  EXPECT_FALSE(values.Scan(kFloat, {-1}).ok());
  EXPECT_THAT(values.Scan(kString, {INT64_MAX}), StatusIs(absl::StatusCode::kDataLoss));
  ASSERT_OK(values.Scan(kFloat, {3, 0}));
  EXPECT_EQ(values.scanned().bytes_count(), 0);
}

// More than one point and more than one window.
TEST(TensorValuesTest, LargeListsAreReadFromAnywhere) {
  constexpr int kCount = 300000;
  TensorProto ints, floats;
  std::string int_bytes, float_bytes;
  for (int i = 0; i < kCount; ++i) {
    ints.add_int_val(i * 37 - 1000);
    AppendFixed(static_cast<uint32_t>(i * 37 - 1000), 4, &int_bytes);
    floats.add_float_val(static_cast<float>(i));
  }
  for (const float value : floats.float_val()) {
    float_bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  for (const auto& [dtype, proto, bytes] :
       {std::tuple(kInt32, &ints, &int_bytes), std::tuple(kFloat, &floats, &float_bytes)}) {
    Values values(proto->SerializeAsString());
    ASSERT_OK(values.Scan(dtype, {kCount}));
    EXPECT_EQ(values.scanned().crc32c(), Crc32c(*bytes));
    for (int64_t piece : {int64_t{100003}, int64_t{1} << 20, int64_t{4} << 20}) {
      ASSERT_OK_AND_ASSIGN(const std::string read, values.ReadInPieces(piece));
      EXPECT_TRUE(read == *bytes) << dtype << " in pieces of " << piece;
    }
  }
}

TEST(TensorValuesTest, LargeStringsAreReadFromAnywhere) {
  TensorProto proto;
  std::string lengths, bytes;
  const auto add = [&](const std::string& value) {
    proto.add_string_val(value);
    AppendFixed(value.size(), 8, &lengths);
    bytes += value;
  };
  for (int i = 0; i < 20000; ++i) add(absl::StrCat("string ", i));
  add(std::string(1000000, 'x'));
  for (int i = 0; i < 150000; ++i) add("");
  add("end");
  Values values(proto.SerializeAsString());
  ASSERT_OK(values.Scan(kString, {proto.string_val_size()}));
  const std::string expected = lengths + bytes;
  EXPECT_EQ(values.scanned().bytes_count(), static_cast<int64_t>(expected.size()));
  EXPECT_EQ(values.scanned().crc32c(), Crc32c(expected));
  for (int64_t piece : {int64_t{300007}, int64_t{8} << 20}) {
    ASSERT_OK_AND_ASSIGN(const std::string read, values.ReadInPieces(piece));
    EXPECT_TRUE(read == expected) << piece;
  }
}

TEST(TensorValuesTest, BytesBeyondTheSliceAreOutOfRange) {
  Values values(
      "\x2a\x04"
      "abcd");
  ASSERT_OK(values.Scan(kFloat, {1}));
  EXPECT_THAT(values.Read(4, 0), IsOkAndHolds(""));
  EXPECT_THAT(values.Read(0, 5), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(values.Read(5, 0), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(values.Read(-1, 1), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST(TensorValuesTest, AFileThatHasChangedIsDataLoss) {
  Values values("\x3a\x03\x01\x02\x03");
  ASSERT_OK(values.Scan(kUint8, {3}));
  std::string& file = values.files().files["t"];
  file[file.find("\x3a\x03\x01\x02\x03") + 1] = '\2';
  EXPECT_THAT(values.Read(0, 3), StatusIs(absl::StatusCode::kDataLoss));
  file.clear();
  EXPECT_THAT(values.Read(0, 3), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace cairn
