#include "storage/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/cast.h"
#include "storage/slice_fixture.h"
#include "storage/stream_token.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RestoreTest : public SliceFixture {
 protected:
  static Selector Key(std::string key) {
    Selector selector;
    selector.key = std::move(key);
    return selector;
  }

  static std::vector<ExtentSpec> Extents(const Box& box) {
    std::vector<ExtentSpec> extents;
    for (int d = 0; d < box.rank(); ++d) extents.push_back({box.start[d], box.length[d]});
    return extents;
  }

  absl::StatusOr<RestoreInfo> Open(const std::vector<Selector>& selectors, int streams = 1) {
    return restores_.Open(Checkpoint(), selectors, streams);
  }

  // All parts of a stream; every answer comes from a new reader if `resume`.
  absl::StatusOr<std::vector<OutgoingPart>> ReadStream(std::string token, bool resume = false) {
    std::vector<OutgoingPart> parts;
    CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<SliceReader> reader, restores_.NewSliceReader(token));
    while (true) {
      CAIRN_ASSIGN_OR_RETURN(std::vector<OutgoingPart> some, reader->Next(kPieceBytes));
      if (some.empty()) return parts;
      int64_t bytes = 0;
      for (OutgoingPart& part : some) {
        bytes += static_cast<int64_t>(part.bytes.view().size());
        EXPECT_EQ(part.crc32c, Crc32c(part.bytes.view())) << part.key;
        parts.push_back(std::move(part));
      }
      EXPECT_LE(bytes, kPieceBytes);
      if (!resume) continue;
      CAIRN_ASSIGN_OR_RETURN(reader, restores_.NewSliceReader(reader->token()));
    }
  }

  std::vector<OutgoingPart> ReadAll(const RestoreInfo& info, bool resume = false) {
    std::vector<OutgoingPart> all;
    int64_t bytes = 0;
    for (const std::string& token : info.stream_tokens) {
      absl::StatusOr<std::vector<OutgoingPart>> parts = ReadStream(token, resume);
      EXPECT_OK(parts);
      if (!parts.ok()) continue;
      for (OutgoingPart& part : *parts) {
        bytes += static_cast<int64_t>(part.bytes.view().size());
        all.push_back(std::move(part));
      }
    }
    EXPECT_EQ(bytes, info.total_bytes);
    return all;
  }

  // Puts parts of one tensor where they belong in `wanted`; every byte must come once.
  static std::string Assemble(const std::vector<OutgoingPart>& parts, const Box& wanted, int item) {
    std::string bytes(static_cast<size_t>(Volume(wanted) * item), '\0');
    std::vector<int> came(bytes.size(), 0);
    for (const OutgoingPart& part : parts) {
      const int64_t first = part.offset / item;
      const auto count = static_cast<int64_t>(part.bytes.view().size()) / item;
      ForEachRun(wanted, part.box, first, first + count,
                 [&](int64_t outer, int64_t inner, int64_t elements) {
                   for (int64_t i = 0; i < elements * item; ++i) {
                     const auto to = static_cast<size_t>(outer * item + i);
                     ++came[to];
                     bytes[to] = part.bytes.view()[static_cast<size_t>((inner - first) * item + i)];
                   }
                 });
    }
    EXPECT_EQ(std::count(came.begin(), came.end(), 1), static_cast<int64_t>(came.size()));
    return bytes;
  }

  // What a box of a tensor's bytes is.
  static std::string CutOut(const std::string& bytes, const std::vector<int64_t>& shape,
                            const Box& box, int item) {
    std::string cut;
    ForEachRun(WholeBox(shape), box, 0, Volume(box), [&](int64_t outer, int64_t, int64_t count) {
      cut += bytes.substr(static_cast<size_t>(outer * item), static_cast<size_t>(count * item));
    });
    return cut;
  }

  // Saves a tensor in one stream, slice by slice.
  void SaveTiled(const std::string& key, const std::string& dtype,
                 const std::vector<int64_t>& shape, int item, const std::vector<Box>& tiles,
                 const std::string& bytes) {
    const auto writer = NewWriter();
    for (const Box& tile : tiles) {
      SliceSpec slice = Whole(key, dtype, shape);
      slice.box = tile;
      ASSERT_OK(Send(writer.get(), slice, CutOut(bytes, shape, tile, item)));
    }
    ASSERT_OK(writer->Finish());
  }

  Restores restores_{&table_, &segments_, &clock_, &random_};
};

TEST_F(RestoreTest, EverythingComesBackAsItWasSavedWithTheSaversSums) {
  const std::string large = SomeBytes(5 * kPieceBytes + 8, 1);
  Save(Whole("a/large", "float64", {5 * kPieceBytes / 8 + 1}), large);
  Save(Whole("a/small", "int8", {3}), "abc");
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({}));
  EXPECT_EQ(info.tensor_count, 2);
  EXPECT_EQ(info.total_bytes, 5 * kPieceBytes + 11);
  ASSERT_THAT(info.stream_tokens, SizeIs(1));
  const std::vector<OutgoingPart> parts = ReadAll(info);
  ASSERT_THAT(parts, SizeIs(7));
  std::string back;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(parts[i].offset, static_cast<int64_t>(back.size()));
    back += std::string(parts[i].bytes.view());
  }
  EXPECT_TRUE(back == large);
  EXPECT_EQ(parts[6].key, "a/small");
  EXPECT_EQ(parts[6].bytes.view(), "abc");
}

TEST_F(RestoreTest, ManyLongKeysAreSpreadOverBatches) {
  constexpr int kTensors = 400;
  const auto writer = NewWriter();
  for (int i = 0; i < kTensors; ++i) {
    const std::string key = absl::StrCat(std::string(4000, 'k'), i);
    ASSERT_OK(Send(writer.get(), Whole(key, "int8", {1}), "x"));
  }
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({}));
  ASSERT_OK_AND_ASSIGN(const auto reader, restores_.NewSliceReader(info.stream_tokens[0]));
  size_t came = 0;
  while (true) {
    ASSERT_OK_AND_ASSIGN(const std::vector<OutgoingPart> batch, reader->Next(kPieceBytes));
    if (batch.empty()) break;
    EXPECT_LT(batch.size() * 4000, 1u << 20);
    came += batch.size();
  }
  EXPECT_EQ(came, static_cast<size_t>(kTensors));
}

TEST_F(RestoreTest, SmallSlicesComeTogether) {
  const auto writer = NewWriter();
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(Send(writer.get(), Whole(absl::StrCat("w", i), "int8", {1000}), SomeBytes(1000, i)));
  }
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({}));
  ASSERT_OK_AND_ASSIGN(const auto reader, restores_.NewSliceReader(info.stream_tokens[0]));
  EXPECT_THAT(*reader->Next(kPieceBytes), SizeIs(100));
  EXPECT_THAT(*reader->Next(kPieceBytes), IsEmpty());
}

TEST_F(RestoreTest, ManyEmptySlicesDoNotMakeOneEndlessAnswer) {
  const auto writer = NewWriter();
  const std::string long_key(4000, 'k');
  for (int i = 0; i < 300; ++i) {
    ASSERT_OK(Send(writer.get(), Whole(absl::StrCat(long_key, i), "int8", {0}), ""));
  }
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({}));
  ASSERT_OK_AND_ASSIGN(const auto reader, restores_.NewSliceReader(info.stream_tokens[0]));
  const size_t first = reader->Next(kPieceBytes)->size();
  EXPECT_GT(first, 50u);
  EXPECT_LT(first, 200u);
  EXPECT_THAT(ReadAll(info, /*resume=*/true), SizeIs(300));
}

TEST_F(RestoreTest, RandomBoxesAndCastsOfRandomTilingsAreWhatANaiveCutIs) {
  const std::map<std::string, int> items = {
      {"uint8", 1}, {"int16", 2}, {"float32", 4}, {"float64", 8}};
  std::mt19937_64 random(7);
  const auto pick = [&](int64_t below) { return static_cast<int64_t>(random() % below); };
  for (int i = 0; i < 200; ++i) {
    std::vector<int64_t> shape(1 + pick(3));
    for (int64_t& dimension : shape) dimension = 1 + pick(9);
    std::vector<Box> tiles = {WholeBox(shape)};
    for (int cuts = static_cast<int>(pick(6)); cuts > 0; --cuts) {
      Box& low = tiles[static_cast<size_t>(pick(static_cast<int64_t>(tiles.size())))];
      const size_t d = static_cast<size_t>(pick(static_cast<int64_t>(shape.size())));
      if (low.length[d] < 2) continue;
      Box high = low;
      low.length[d] = 1 + pick(low.length[d] - 1);
      high.start[d] += low.length[d];
      high.length[d] -= low.length[d];
      tiles.push_back(high);
    }
    const std::string dtype = std::vector<std::string>{"uint8", "int16", "float32"}[pick(3)];
    const int item = items.at(dtype);
    const std::string bytes = SomeBytes(static_cast<size_t>(*ByteCount(shape, item)), i);
    const std::string key = absl::StrCat("w", i);
    SaveTiled(key, dtype, shape, item, tiles, bytes);

    Selector selector = Key(key);
    Box box = WholeBox(shape);
    for (size_t d = 0; d < shape.size(); ++d) {
      box.start[d] = pick(shape[d]);
      box.length[d] = 1 + pick(shape[d] - box.start[d]);
    }
    if (i % 4 != 0) {
      selector.slice = Extents(box);
    } else {
      box = WholeBox(shape);
    }
    if (i % 3 == 0) selector.dtype = "float64";
    const std::string to = selector.dtype.empty() ? dtype : selector.dtype;
    ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({selector}));
    const std::string cut = CutOut(bytes, shape, box, item);
    std::string expected;
    if (to == dtype) {
      expected = cut;
    } else {
      CastElements(dtype, to, cut, &expected);
    }
    EXPECT_TRUE(Assemble(ReadAll(info), box, items.at(to)) == expected)
        << dtype << " as " << to << " " << ToString(box) << " of " << ShapeToString(shape);
    ASSERT_OK(restores_.Close(info.restore));
  }
}

TEST_F(RestoreTest, LargeBoxesComeInRunsThatCanBeResumedOnAnyNumberOfStreams) {
  const std::vector<int64_t> shape = {1500, 1000};
  const std::string bytes = SomeBytes(1500 * 1000 * 2, 4);
  SaveTiled("w", "int16", shape, 2, {{{0, 0}, {900, 1000}}, {{900, 0}, {600, 1000}}}, bytes);
  const Box box{{5, 100}, {1400, 800}};
  Selector selector = Key("w");
  selector.slice = Extents(box);
  selector.dtype = "float32";
  std::string expected;
  CastElements("int16", "float32", CutOut(bytes, shape, box, 2), &expected);
  for (int streams : {1, 2, 5, 64}) {
    ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({selector}, streams));
    EXPECT_LE(info.stream_tokens.size(), static_cast<size_t>(streams));
    EXPECT_TRUE(Assemble(ReadAll(info, /*resume=*/true), box, 4) == expected) << streams;
  }
}

TEST_F(RestoreTest, SetsOfKeysBringWhatIsThereOfThemOnAnyNumberOfStreams) {
  const auto set = [](std::string name, std::vector<std::string> keys) {
    Selector selector;
    selector.keys = std::make_shared<KeySet>(KeySet{std::move(name), std::move(keys)});
    return selector;
  };
  std::vector<std::string> keys;
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 60; ++i) {
    const std::string key = absl::StrCat("k", 100 + i);
    const std::string bytes = SomeBytes(i % 10 == 0 ? 2 * kPieceBytes + 2 : 40, i);
    Save(Whole(key, "int16", {static_cast<int64_t>(bytes.size()) / 2}), bytes);
    if (i % 3 == 0) continue;
    keys.push_back(key);
    keys.push_back(key + "/absent");
    expected[key] = bytes;
  }
  for (int streams : {1, 3, 64}) {
    ASSERT_OK_AND_ASSIGN(const RestoreInfo info,
                         Open({set("some", keys), Key("k101"), set("one", {"k102"})}, streams));
    EXPECT_EQ(info.tensor_count, static_cast<int64_t>(expected.size()));
    std::map<std::string, std::string> found;
    for (const OutgoingPart& part : ReadAll(info, /*resume=*/true)) {
      found[part.key].append(part.bytes.view().data(), part.bytes.view().size());
    }
    EXPECT_TRUE(found == expected) << streams;
    ASSERT_OK(restores_.Close(info.restore));
  }
  // A box and a dtype are for every tensor of the set.
  Selector selector = set("some", keys);
  selector.slice = {{3, 5}};
  selector.dtype = "float32";
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({selector}));
  EXPECT_EQ(info.total_bytes, static_cast<int64_t>(expected.size()) * 5 * 4);
  EXPECT_THAT(Open({set("some", keys), set("object", {"a", "b"})}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"object\"")));
}

TEST_F(RestoreTest, StreamsAreBalancedByBytesAndBringEverythingOnce) {
  const std::vector<int64_t> shape = {8 * kPieceBytes};
  const std::string bytes = SomeBytes(8 * kPieceBytes, 2);
  Save(Whole("large", "int8", shape), bytes);
  for (int i = 0; i < 4; ++i) {
    Save(Whole(absl::StrCat("small-", i), "int8", {kPieceBytes}), SomeBytes(kPieceBytes, i));
  }
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({}, 4));
  ASSERT_THAT(info.stream_tokens, SizeIs(4));
  std::map<std::string, int64_t> bytes_of;
  for (const std::string& token : info.stream_tokens) {
    ASSERT_OK_AND_ASSIGN(const std::vector<OutgoingPart> parts, ReadStream(token, true));
    EXPECT_THAT(parts, SizeIs(3));
    for (const OutgoingPart& part : parts) {
      EXPECT_EQ(part.key == "large" ? part.offset : 0, bytes_of[part.key]);
      bytes_of[part.key] += static_cast<int64_t>(part.bytes.view().size());
    }
  }
  EXPECT_THAT(bytes_of, SizeIs(5));
  EXPECT_EQ(bytes_of["large"], 8 * kPieceBytes);
}

TEST_F(RestoreTest, ATensorIsDeliveredOnceAsTheFirstSelectorAsks) {
  Save(Whole("a/b", "int8", {4}), "abcd");
  Save(Whole("a/c", "int8", {4}), "efgh");
  Selector first = Key("a/b");
  first.slice = {{1, 2}};
  Selector second;
  second.key_prefix = "a";
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({first, second}));
  EXPECT_EQ(info.tensor_count, 2);
  const std::vector<OutgoingPart> parts = ReadAll(info);
  ASSERT_THAT(parts, SizeIs(2));
  EXPECT_EQ(parts[0].bytes.view(), "bc");
  EXPECT_EQ(parts[0].box, (Box{{1}, {2}}));
  EXPECT_EQ(parts[1].bytes.view(), "efgh");
}

TEST_F(RestoreTest, WhatHasNoBytesIsToldOfOnce) {
  Save(Whole("empty", "int8", {0, 3}), "");
  SaveTiled("w", "int8", {4}, 1, {{{0}, {2}}, {{2}, {2}}}, "abcd");
  Selector nothing = Key("w");
  nothing.slice = {{2, 0}};
  Selector cast = Key("empty");
  cast.dtype = "float32";
  for (const std::vector<Selector>& selectors :
       std::vector<std::vector<Selector>>{{Key("empty")}, {nothing}, {cast}}) {
    ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open(selectors, 4));
    const std::vector<OutgoingPart> parts = ReadAll(info, /*resume=*/true);
    ASSERT_THAT(parts, SizeIs(1));
    EXPECT_EQ(parts[0].bytes.view(), "");
    EXPECT_EQ(parts[0].key, *selectors[0].key);
  }
}

TEST_F(RestoreTest, APartialTensorGivesWhatThereIs) {
  SliceSpec slice = Whole("w", "int8", {10});
  slice.box = Box{{2}, {3}};
  slice.partial = true;
  Save(slice, "abc");
  Selector selector = Key("w");
  selector.slice = {{4, 6}};
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({selector}));
  const std::vector<OutgoingPart> parts = ReadAll(info);
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_EQ(parts[0].bytes.view(), "c");
  EXPECT_EQ(parts[0].box, (Box{{4}, {1}}));
}

TEST_F(RestoreTest, AStringTensorIsReadWholeOrByAStoredSlice) {
  const std::string one = std::string("\1\0\0\0\0\0\0\0a", 9);
  SliceSpec slice = Whole("s", "string", {2});
  slice.box = Box{{0}, {1}};
  Save(slice, one);
  slice.box = Box{{1}, {1}};
  Save(slice, one);
  Selector selector = Key("s");
  EXPECT_THAT(ReadAll(*Open({selector})), SizeIs(2));
  selector.slice = {{1, 1}};
  EXPECT_THAT(ReadAll(*Open({selector})), SizeIs(1));
  selector.slice = {{0, std::nullopt}};
  EXPECT_THAT(ReadAll(*Open({selector})), SizeIs(2));
  selector.slice = {{1, 0}};
  EXPECT_THAT(Open({selector}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("of s")));
}

TEST_F(RestoreTest, SelectorsThatCannotBeServedAreRefused) {
  Save(Whole("w", "float32", {4}), SomeBytes(16, 1));
  Selector selector = Key("w");
  selector.slice = {{1, 4}};
  EXPECT_THAT(Open({selector}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("w")));
  selector.slice = {{0, 1}, {0, 1}};
  EXPECT_THAT(Open({selector}), StatusIs(absl::StatusCode::kInvalidArgument));
  selector = Key("w");
  selector.dtype = "int8";
  EXPECT_THAT(Open({selector}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("w")));
  EXPECT_THAT(Open({Key("w"), Key("v")}),
              AllOf(HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND),
                    StatusIs(absl::StatusCode::kNotFound, HasSubstr("nearest keys are w"))));
  EXPECT_THAT(Open({}, 0), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Open({}, kMaxRestoreStreams + 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_FALSE(restores_.Holds(manifest_));
}

TEST_F(RestoreTest, DamageIsDataLossThatNamesTheKey) {
  Save(Whole("w", "int8", {2 * kPieceBytes}), SomeBytes(2 * kPieceBytes, 1));
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({}));
  Selector box = Key("w");
  box.slice = {{kPieceBytes - 1, 2}};
  ASSERT_OK_AND_ASSIGN(const RestoreInfo boxed, Open({box}));
  const std::vector<Uid> segments = StoredSegments();
  ASSERT_TRUE(segments_.FlipBitForTest(segments[0], 2, 17));
  EXPECT_THAT(ReadStream(boxed.stream_tokens[0]),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cannot read w")));
  ASSERT_OK(segments_.Remove(segments));
  const absl::Status status = ReadStream(info.stream_tokens[0]).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cannot read w")));
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT));
}

TEST_F(RestoreTest, ALeaseHoldsTheManifestUntilItEnds) {
  Save(Whole("w", "int8", {1}), "x");
  EXPECT_FALSE(restores_.Holds(manifest_));
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({}));
  EXPECT_TRUE(restores_.Holds(manifest_));
  EXPECT_EQ(info.expire_time, clock_.Now() + kRestoreLease);
  clock_.Advance(kRestoreLease - absl::Seconds(1));
  EXPECT_THAT(restores_.Renew(info.restore), IsOkAndHolds(clock_.Now() + kRestoreLease));
  clock_.Advance(kRestoreLease - absl::Seconds(1));
  EXPECT_TRUE(restores_.Holds(manifest_));
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(restores_.Holds(manifest_));
  EXPECT_THAT(restores_.Renew(info.restore), HasReason(ErrorReason::ERROR_REASON_RESTORE_LOST));
  EXPECT_THAT(restores_.NewSliceReader(info.stream_tokens[0]),
              HasReason(ErrorReason::ERROR_REASON_RESTORE_LOST));
}

TEST_F(RestoreTest, AReaderKeepsTheLeaseWhileItLives) {
  Save(Whole("w", "int8", {1}), "x");
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({}));
  {
    ASSERT_OK_AND_ASSIGN(const auto reader, restores_.NewSliceReader(info.stream_tokens[0]));
    clock_.Advance(absl::Hours(5));
    EXPECT_TRUE(restores_.Holds(manifest_));
    EXPECT_THAT(*reader->Next(kPieceBytes), SizeIs(1));
  }
  EXPECT_OK(restores_.Renew(info.restore));
  clock_.Advance(kRestoreLease);
  EXPECT_FALSE(restores_.Holds(manifest_));
}

TEST_F(RestoreTest, CloseEndsTheLeaseOnceItsReadersAreGone) {
  Save(Whole("w", "int8", {1}), "x");
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({}));
  ASSERT_OK_AND_ASSIGN(auto reader, restores_.NewSliceReader(info.stream_tokens[0]));
  EXPECT_OK(restores_.Close(info.restore));
  EXPECT_THAT(restores_.NewSliceReader(info.stream_tokens[0]),
              HasReason(ErrorReason::ERROR_REASON_RESTORE_LOST));
  EXPECT_TRUE(restores_.Holds(manifest_));
  reader.reset();
  EXPECT_FALSE(restores_.Holds(manifest_));
  EXPECT_OK(restores_.Close(info.restore));
  EXPECT_OK(restores_.Close("no such"));
}

TEST_F(RestoreTest, ReadersMayOutliveTheirRestores) {
  Save(Whole("w", "int8", {1}), "x");
  std::unique_ptr<SliceReader> reader;
  {
    Restores restores(&table_, &segments_, &clock_, &random_);
    ASSERT_OK_AND_ASSIGN(const RestoreInfo info, restores.Open(Checkpoint(), {}, 1));
    ASSERT_OK_AND_ASSIGN(reader, restores.NewSliceReader(info.stream_tokens[0]));
  }
  EXPECT_THAT(*reader->Next(kPieceBytes), SizeIs(1));
}

TEST_F(RestoreTest, RestoresAreBoundedAndExpiredOnesMakeRoom) {
  Save(Whole("w", "int8", {1}), "x");
  for (size_t i = 0; i < kMaxOpenRestores; ++i) ASSERT_OK(Open({}));
  EXPECT_THAT(Open({}), StatusIs(absl::StatusCode::kResourceExhausted));
  clock_.Advance(kRestoreLease);
  EXPECT_OK(Open({}));
}

TEST_F(RestoreTest, ATokenOfAnotherServerOrLifeIsLost) {
  Save(Whole("w", "int8", {1}), "x");
  Restores earlier(&table_, &segments_, &clock_, &random_);
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, earlier.Open(Checkpoint(), {}, 1));
  EXPECT_THAT(restores_.NewSliceReader(info.stream_tokens[0]),
              HasReason(ErrorReason::ERROR_REASON_RESTORE_LOST));
}

TEST_F(RestoreTest, AForgedTokenReadsNothingThatWasNotSelected) {
  Save(Whole("a", "int8", {1}), "x");
  Save(Whole("b", "int8", {1}), "y");
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, Open({Key("b")}));
  const Uid restore = *Uid::FromHex(info.restore);
  const std::string a = EncodeSliceKey(TensorKind::kTensor, "a", Box{{0}, {1}}, 0);
  for (const std::string& key :
       {std::string(), a, std::string("\xff\xff"), std::string(100, 'z')}) {
    for (int64_t sent : {int64_t{0}, int64_t{1}, INT64_MAX - 1, INT64_MAX}) {
      const std::string token = EncodeStreamToken({restore, {key, sent}, {}});
      ASSERT_OK_AND_ASSIGN(const std::vector<OutgoingPart> parts, ReadStream(token, true));
      for (const OutgoingPart& part : parts) EXPECT_EQ(part.key, "b");
    }
  }
  EXPECT_THAT(restores_.NewSliceReader("garbage"), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cairn::storage
