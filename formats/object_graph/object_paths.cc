#include "formats/object_graph/object_paths.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/object_graph/object_graph.h"

namespace cairn {
namespace {

using formats::TrackableObjectGraph;
using Node = formats::TrackableObjectGraph::TrackableObject;

constexpr uint32_t kNone = UINT32_MAX;
constexpr absl::string_view kVariableValue = "VARIABLE_VALUE";  // an attribute's name
constexpr size_t kMaxNeighbors = 8;
constexpr size_t kMaxNeighborBytes = 256;  // longer names are not told

absl::Status BadPath(absl::string_view description) {
  return InvalidField("object_path", description);
}

// The name that a segment of a path stands for.
absl::StatusOr<std::string> NameOf(absl::string_view segment) {
  std::string name;
  for (size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '.') {
      name.push_back(segment[i]);
      continue;
    }
    const char next = ++i < segment.size() ? segment[i] : '\0';
    if (next != '.' && next != 'S') {
      return BadPath(absl::StrCat("has the name \"", KeyTextFromBytes(segment),
                                  "\", in which one dot stands alone: write a dot in a name as "
                                  "\"..\" and a slash as \".S\"; what follows an object in a key "
                                  "(.ATTRIBUTES) is not part of its path"));
    }
    name.push_back(next == '.' ? '.' : '/');
  }
  return name;
}

// As a segment of a path.
std::string SegmentOf(absl::string_view name) {
  return KeyTextFromBytes(absl::StrReplaceAll(name, {{".", ".."}, {"/", ".S"}}));
}

absl::StatusOr<std::vector<std::string>> NamesOf(absl::string_view path) {
  if (path.size() > kMaxKeyBytes) {
    return BadPath(
        absl::StrCat("has ", path.size(), " bytes; at most ", kMaxKeyBytes, " are allowed"));
  }
  const absl::StatusOr<std::string> bytes = BytesFromKeyText(path);
  if (!bytes.ok()) return BadPath(absl::StripPrefix(bytes.status().message(), "key: "));
  absl::string_view rest = *bytes;
  absl::ConsumeSuffix(&rest, "/");
  std::vector<std::string> names;
  if (rest.empty()) return names;
  for (const absl::string_view segment : absl::StrSplit(rest, '/')) {
    if (segment.empty()) {
      return BadPath(absl::StrCat("\"", path, "\" has an empty name between its slashes"));
    }
    CAIRN_ASSIGN_OR_RETURN(names.emplace_back(), NameOf(segment));
  }
  return names;
}

// The scope and the own name of a variable: what stands before and after the last slash.
std::pair<absl::string_view, absl::string_view> SplitFullName(absl::string_view full_name) {
  const size_t slash = full_name.rfind('/');
  if (slash == absl::string_view::npos) return {absl::string_view(), full_name};
  return {full_name.substr(0, slash), full_name.substr(slash + 1)};
}

// Whether `name` is one or several whole components of `scope`.
bool HasComponents(absl::string_view scope, absl::string_view name) {
  for (size_t at = scope.find(name); at != absl::string_view::npos; at = scope.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at == 0 || scope[at - 1] == '/') && (end == scope.size() || scope[end] == '/')) {
      return true;
    }
  }
  return false;
}

// The name of the variable that a node is; empty if it is none or has none.
absl::string_view FullNameOf(const Node& node) {
  for (const Node::SerializedTensor& attribute : node.attributes()) {
    if (!attribute.full_name().empty()) return attribute.full_name();
  }
  return {};
}

// The scope on which all variables that `node` holds itself agree; empty if there is none.
absl::string_view CommonScope(const TrackableObjectGraph& graph, const Node& node) {
  absl::string_view common;
  for (const Node::ObjectReference& child : node.children()) {
    const absl::string_view full_name = FullNameOf(graph.nodes(child.node_id()));
    if (full_name.empty()) continue;
    const absl::string_view scope = SplitFullName(full_name).first;
    if (scope.empty() || (!common.empty() && scope != common)) return {};
    common = scope;
  }
  return common;
}

std::vector<std::string> SortedOnce(std::vector<absl::string_view> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return {texts.begin(), texts.end()};
}

uint32_t IndexIn(const std::vector<std::string>& sorted, absl::string_view text) {
  const auto found = std::lower_bound(sorted.begin(), sorted.end(), text);
  if (found == sorted.end() || *found != text) return kNone;
  return static_cast<uint32_t>(found - sorted.begin());
}

size_t BytesOf(const std::vector<std::string>& texts) {
  size_t sum = texts.size() * sizeof(std::string);
  for (const std::string& text : texts) sum += text.size();
  return sum;
}

// The keys that the tensors of `attribute` may have, in text form. A variable has its own; what
// else there is may have longer ones, of which a checkpoint holds some. What cannot be a key is in
// none.
std::vector<std::string> KeysOf(const Node::SerializedTensor& attribute) {
  std::vector<std::string> keys;
  for (const auto& suffixes : kTensorKeySuffixes) {
    for (const absl::string_view suffix : suffixes) {
      const size_t size = attribute.checkpoint_key().size() + suffix.size();
      if (size == 0 || size > kMaxKeyBytes) continue;
      std::string text = KeyTextFromBytes(absl::StrCat(attribute.checkpoint_key(), suffix));
      if (text.size() > kMaxKeyBytes || (!keys.empty() && keys.back() == text)) continue;
      keys.push_back(std::move(text));
    }
    if (attribute.name() == kVariableValue) break;
  }
  return keys;
}

}  // namespace

// One walk, from the root.
class ObjectPaths::Walk {
 public:
  Walk(const ObjectPaths& paths, int64_t* steps) : paths_(paths), steps_(*steps) {
    if (paths_.node_count() > 0) objects_.push_back(0);
  }

  const std::vector<uint32_t>& objects() const { return objects_; }

  // Goes on to the objects of that name; stays where it is and returns false if there are none.
  absl::StatusOr<bool> Step(absl::string_view name) {
    const uint32_t wanted = IndexIn(paths_.names_, name);
    std::vector<uint32_t> next;
    if (wanted != kNone) next = ChildrenBy(wanted);
    if (wanted != kNone && next.empty()) next = VariablesNamed(wanted);
    if (next.empty()) next = ObjectsInScope(name);
    if (steps_ < 0) return TooManySteps();
    if (next.empty()) return false;
    objects_ = std::move(next);
    return true;
  }

  // Everything at or below the objects; with slot variables where those count as below.
  absl::StatusOr<std::vector<uint32_t>> Reach(bool slots) {
    std::vector<uint32_t> reached = objects_;
    std::vector<bool> seen = Seen();
    for (const uint32_t node : reached) seen[node] = true;
    const auto add = [&](uint32_t node) {
      --steps_;
      if (seen[node]) return;
      seen[node] = true;
      reached.push_back(node);
    };
    for (size_t i = 0; i < reached.size() && steps_ >= 0; ++i) {
      const uint32_t node = reached[i];
      ForEach(paths_.edges_, node, [&](const Edge& edge) { add(edge.node); });
      if (slots) ForEach(paths_.slots_, node, add);
    }
    if (steps_ < 0) return TooManySteps();
    return reached;
  }

  // Names by which one can go on from here to values.
  std::vector<std::string> Names() {
    std::vector<absl::string_view> names;
    for (const uint32_t object : objects_) {
      ForEach(paths_.edges_, object, [&](const Edge& edge) {
        if (paths_.has_values_[edge.node]) Tell(paths_.names_[edge.name], &names);
      });
    }
    const absl::StatusOr<std::vector<uint32_t>> below = Reach(/*slots=*/false);
    if (below.ok()) {
      for (const uint32_t node : *below) {
        if (paths_.scope_[node] == kNone) continue;
        Tell(SplitFullName(paths_.scopes_[paths_.scope_[node]]).second, &names);
      }
    }
    return SortedOnce(std::move(names));
  }

  template <typename T, typename Visit>
  static void ForEach(const Lists<T>& lists, uint32_t node, Visit visit) {
    for (uint32_t i = lists.begin[node]; i < lists.begin[node + 1]; ++i) visit(lists.items[i]);
  }

 private:
  static absl::Status TooManySteps() {
    return absl::ResourceExhaustedError(
        "finding the objects takes too long: ask for fewer at once, by paths that lead straight "
        "to them");
  }

  static void Tell(absl::string_view name, std::vector<absl::string_view>* names) {
    if (name.size() <= kMaxNeighborBytes) names->push_back(name);
  }

  // A mark for every node, none set; it costs steps as what it takes to clear them.
  std::vector<bool> Seen() {
    steps_ -= static_cast<int64_t>(paths_.node_count() / 64);
    return std::vector<bool>(paths_.node_count());
  }

  std::vector<uint32_t> ChildrenBy(uint32_t name) {
    std::vector<uint32_t> next;
    std::vector<bool> seen = Seen();
    for (const uint32_t object : objects_) {
      const auto begin = paths_.edges_.items.begin();
      const auto end = begin + paths_.edges_.begin[object + 1];
      auto edge = std::lower_bound(begin + paths_.edges_.begin[object], end, name,
                                   [](const Edge& e, uint32_t wanted) { return e.name < wanted; });
      for (--steps_; edge != end && edge->name == name && steps_ >= 0; ++edge, --steps_) {
        if (!seen[edge->node]) next.push_back(edge->node);
        seen[edge->node] = true;
      }
    }
    return next;
  }

  std::vector<uint32_t> VariablesNamed(uint32_t name) {
    std::vector<uint32_t> next;
    std::vector<bool> seen = Seen();
    for (const uint32_t object : objects_) {
      ForEach(paths_.edges_, object, [&](const Edge& edge) {
        --steps_;
        if (seen[edge.node] || paths_.own_name_[edge.node] != name) return;
        seen[edge.node] = true;
        next.push_back(edge.node);
      });
      if (--steps_ < 0) break;
    }
    return next;
  }

  std::vector<uint32_t> ObjectsInScope(absl::string_view name) {
    std::vector<bool> fits(paths_.scopes_.size());
    bool any = false;
    for (size_t i = 0; i < fits.size(); ++i) {
      steps_ -= 1 + static_cast<int64_t>(paths_.scopes_[i].size() / 64);
      fits[i] = !name.empty() && HasComponents(paths_.scopes_[i], name);
      any = any || fits[i];
    }
    if (!any || steps_ < 0) return {};
    absl::StatusOr<std::vector<uint32_t>> below = Reach(/*slots=*/false);
    if (!below.ok()) return {};
    std::vector<uint32_t> next;
    for (const uint32_t node : *below) {
      const uint32_t scope = paths_.scope_[node];
      if (scope != kNone && fits[scope]) next.push_back(node);
    }
    return next;
  }

  const ObjectPaths& paths_;
  int64_t& steps_;
  std::vector<uint32_t> objects_;  // each once
};

namespace {

// Names on either side of where `wanted` would stand, as segments of paths.
std::string Nearest(const std::vector<std::string>& names, absl::string_view wanted) {
  const auto at =
      static_cast<size_t>(std::lower_bound(names.begin(), names.end(), wanted) - names.begin());
  size_t begin = at - std::min(at, kMaxNeighbors / 2);
  const size_t end = std::min(names.size(), begin + kMaxNeighbors);
  begin = end - std::min(end, kMaxNeighbors);
  std::vector<std::string> segments;
  for (size_t i = begin; i < end; ++i) segments.push_back(SegmentOf(names[i]));
  return absl::StrJoin(segments, ", ");
}

absl::Status ObjectNotFound(absl::string_view path, absl::string_view why,
                            absl::string_view neighbors) {
  return MakeError(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND, absl::StatusCode::kNotFound,
                   absl::StrCat("cannot find object \"", path, "\" in the checkpoint: ", why),
                   {{"selector", path}, {"neighbors", neighbors}});
}

}  // namespace

ObjectPaths::ObjectPaths(const TrackableObjectGraph& graph) {
  AddNames(graph);
  AddEdges(graph);
  AddValues(graph);
}

void ObjectPaths::AddNames(const TrackableObjectGraph& graph) {
  std::vector<absl::string_view> names;
  std::vector<absl::string_view> scopes;
  for (const Node& node : graph.nodes()) {
    for (const Node::ObjectReference& child : node.children()) names.push_back(child.local_name());
    names.push_back(SplitFullName(FullNameOf(node)).second);
    scopes.push_back(CommonScope(graph, node));
  }
  names_ = SortedOnce(std::move(names));
  scopes_ = SortedOnce(scopes);
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    const absl::string_view own_name = SplitFullName(FullNameOf(node)).second;
    own_name_.push_back(own_name.empty() ? kNone : IndexIn(names_, own_name));
    scope_.push_back(scopes[i].empty() ? kNone : IndexIn(scopes_, scopes[i]));
    has_values_.push_back(!node.has_has_checkpoint_values() ||
                          node.has_checkpoint_values().value());
  }
}

void ObjectPaths::AddEdges(const TrackableObjectGraph& graph) {
  for (const Node& node : graph.nodes()) {
    edges_.begin.push_back(static_cast<uint32_t>(edges_.items.size()));
    slots_.begin.push_back(static_cast<uint32_t>(slots_.items.size()));
    for (const Node::ObjectReference& child : node.children()) {
      edges_.items.push_back(
          {IndexIn(names_, child.local_name()), static_cast<uint32_t>(child.node_id())});
    }
    std::sort(edges_.items.begin() + edges_.begin.back(), edges_.items.end(),
              [](const Edge& a, const Edge& b) { return a.name < b.name; });
    for (const Node::SlotVariableReference& slot : node.slot_variables()) {
      slots_.items.push_back(static_cast<uint32_t>(slot.slot_variable_node_id()));
    }
  }
  edges_.begin.push_back(static_cast<uint32_t>(edges_.items.size()));
  slots_.begin.push_back(static_cast<uint32_t>(slots_.items.size()));
}

void ObjectPaths::AddValues(const TrackableObjectGraph& graph) {
  for (const Node& node : graph.nodes()) {
    for (const Node::SerializedTensor& attribute : node.attributes()) {
      for (std::string& key : KeysOf(attribute)) keys_.push_back(std::move(key));
    }
  }
  std::sort(keys_.begin(), keys_.end());
  keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
  keys_.shrink_to_fit();
  for (const Node& node : graph.nodes()) {
    values_.begin.push_back(static_cast<uint32_t>(values_.items.size()));
    for (const Node::SerializedTensor& attribute : node.attributes()) {
      for (const std::string& key : KeysOf(attribute)) {
        values_.items.push_back(IndexIn(keys_, key));
      }
    }
  }
  values_.begin.push_back(static_cast<uint32_t>(values_.items.size()));
}

absl::StatusOr<std::vector<std::string>> ObjectPaths::KeysBelow(absl::string_view path,
                                                                int64_t* steps) const {
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesOf(path));
  Walk walk(*this, steps);
  std::vector<std::string> passed;
  for (const std::string& name : names) {
    CAIRN_ASSIGN_OR_RETURN(const bool found, walk.Step(name));
    if (!found) {
      const std::string near = Nearest(walk.Names(), name);
      const std::string object =
          passed.empty() ? "the root" : absl::StrCat("\"", absl::StrJoin(passed, "/"), "\"");
      return ObjectNotFound(
          path,
          absl::StrCat(object, " has no \"", SegmentOf(name), "\"",
                       near.empty() ? " and nothing else with values" : "; near it it has ", near),
          near);
    }
    passed.push_back(SegmentOf(name));
  }
  CAIRN_ASSIGN_OR_RETURN(const std::vector<uint32_t> reached, walk.Reach(/*slots=*/true));
  std::vector<uint32_t> keys;
  for (const uint32_t node : reached) {
    Walk::ForEach(values_, node, [&](uint32_t key) { keys.push_back(key); });
  }
  *steps -= static_cast<int64_t>(keys.size());
  if (keys.empty()) return ObjectNotFound(path, "it was saved without any value", "");
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<std::string> texts;
  texts.reserve(keys.size());
  for (const uint32_t key : keys) texts.push_back(keys_[key]);
  return texts;
}

size_t ObjectPaths::bytes() const {
  const size_t indexes = edges_.begin.size() + slots_.begin.size() + slots_.items.size() +
                         values_.begin.size() + values_.items.size() + own_name_.size() +
                         scope_.size();
  return sizeof(*this) + BytesOf(names_) + BytesOf(scopes_) + BytesOf(keys_) +
         edges_.items.size() * sizeof(Edge) + indexes * sizeof(uint32_t) + has_values_.size() / 8;
}

}  // namespace cairn
