#include "base/uid.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace cairn {
namespace {

constexpr char kHex[] = "00112233445566778899aabbccddeeff";

TEST(UidTest, HexAndBytesAreTheSameUid) {
  const std::optional<Uid> uid = Uid::FromHex(kHex);
  ASSERT_TRUE(uid.has_value());
  EXPECT_EQ(uid->ToHex(), kHex);
  EXPECT_EQ(
      uid->bytes(),
      absl::string_view("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16));
  EXPECT_EQ(Uid::FromBytes(uid->bytes()), uid);
}

TEST(UidTest, NothingElseIsAUid) {
  const std::string hex = kHex;
  for (const std::string& text : {std::string(), hex.substr(1), hex + "0", "G" + hex.substr(1),
                                  "A" + hex.substr(1), " " + hex.substr(1)}) {
    EXPECT_FALSE(Uid::FromHex(text).has_value()) << text;
  }
  EXPECT_FALSE(Uid::FromBytes("").has_value());
  EXPECT_FALSE(Uid::FromBytes(std::string(15, 'x')).has_value());
  EXPECT_FALSE(Uid::FromBytes(std::string(17, 'x')).has_value());
}

TEST(UidTest, DefaultIsZero) {
  EXPECT_TRUE(Uid().is_zero());
  EXPECT_EQ(Uid().ToHex(), std::string(32, '0'));
  EXPECT_FALSE(Uid::FromHex(kHex)->is_zero());
}

TEST(UidTest, OrderIsThatOfTheHex) {
  SeededRandom random(3);
  for (int i = 0; i < 1000; ++i) {
    const Uid a = random.NextUid(), b = random.NextUid();
    ASSERT_EQ(a < b, a.ToHex() < b.ToHex());
    ASSERT_EQ(a < b, a.bytes() < b.bytes());
  }
}

TEST(RandomTest, TheSameSeedGivesTheSameNumbers) {
  SeededRandom a(7), b(7), other(8);
  for (int i = 0; i < 100; ++i) {
    const Uid uid = a.NextUid();
    EXPECT_EQ(uid, b.NextUid());
    EXPECT_NE(uid, other.NextUid());
  }
}

TEST(RandomTest, NoNumberIsLostOrDoubledBetweenThreads) {
  SeededRandom random(1), alone(1);
  std::vector<std::vector<uint64_t>> drawn(4);
  std::vector<std::thread> threads;
  for (auto& numbers : drawn) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) numbers.push_back(random.Next());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> together, expected;
  for (const auto& numbers : drawn) together.insert(numbers.begin(), numbers.end());
  for (int i = 0; i < 4000; ++i) expected.insert(alone.Next());
  EXPECT_EQ(together, expected);
}

TEST(RandomTest, TheSystemNeverRepeatsAUid) {
  std::set<Uid> uids;
  for (int i = 0; i < 1000; ++i) uids.insert(Random::System()->NextUid());
  EXPECT_EQ(uids.size(), 1000u);
  EXPECT_EQ(uids.count(Uid()), 0u);
}

}  // namespace
}  // namespace cairn
