#include "toyworld/world/captions.h"

#include <array>
#include <cctype>
#include <set>
#include <string_view>

namespace vico::toyworld {
namespace {

// ViCo's 27 templates without the nine that describe the picture (four kinds are below; small and
// large become words of the subject), and a few more common beginnings.
constexpr std::string_view kNeutral[] = {"a photo of a {}",
                                         "a photo of the {}",
                                         "a rendering of a {}",
                                         "the photo of a {}",
                                         "a photo of a clean {}",
                                         "a photo of a dirty {}",
                                         "a photo of my {}",
                                         "a photo of the cool {}",
                                         "a good photo of the {}",
                                         "a photo of one {}",
                                         "a rendition of the {}",
                                         "a photo of the clean {}",
                                         "a rendition of a {}",
                                         "a photo of a nice {}",
                                         "a good photo of a {}",
                                         "a photo of the nice {}",
                                         "a photo of the weird {}",
                                         "a photo of a cool {}",
                                         "an illustration of a {}",
                                         "a depiction of the {}",
                                         "a picture of a {}",
                                         "a {}",
                                         "the {}"};
constexpr std::string_view kDark[] = {"a dark photo of the {}", "a dark photo of a {}"};
constexpr std::string_view kBright[] = {"a bright photo of the {}", "a bright photo of a {}"};
constexpr std::string_view kCloseUp[] = {"a close-up photo of a {}", "a close-up photo of the {}"};
constexpr std::string_view kCropped[] = {"a cropped photo of the {}", "a cropped photo of a {}"};
constexpr std::string_view kSizes[] = {"small", "large"};
constexpr std::string_view kAnyClass[] = {"toy", "thing"};

template <size_t kCount>
std::string_view Pick(const std::string_view (&choices)[kCount], Random& random) {
  return choices[random.Below(kCount)];
}

void Replace(std::string& text, std::string_view what, std::string_view with) {
  const size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), with);
}

void AddWord(std::string& text, std::string_view word) {
  if (!text.empty()) text += ' ';
  text += word;
}

void CollectWords(std::string_view text, std::set<std::string>& words) {
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) words.insert(word);
    word.clear();
  };
  for (const char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c))) {
      word += c;
    } else {
      flush();
      if (c == '-') words.insert("-");
    }
  }
  flush();
}

}  // namespace

Caption RandomCaption(const Instance& instance, int scene, Random& random) {
  Caption caption;
  Pose& pose = caption.pose;
  std::string_view frame;
  const double kind = random.Uniform();
  if (kind < 0.06) {
    frame = Pick(kDark, random);
    pose.gain = random.Uniform(0.5, 0.66);
  } else if (kind < 0.12) {
    frame = Pick(kBright, random);
    pose.gain = random.Uniform(1.18, 1.32);
  } else if (kind < 0.20) {
    frame = Pick(kCloseUp, random);
    pose.scale = random.Uniform(0.88, 1.05);
  } else if (kind < 0.26) {
    frame = Pick(kCropped, random);
    pose.scale = random.Uniform(0.75, 0.95);
    const double side = random.Chance(0.5) ? 1 : -1;
    pose.x = side * random.Uniform(0.3, 0.52);
    pose.y = random.Uniform(0, 0.3);
  } else if (kind < 0.60) {
    frame = kNeutral[random.Below(2)];
  } else {
    frame = Pick(kNeutral, random);
  }

  std::string subject;
  if (!pose.scale) {
    const double size = random.Uniform();
    if (size < 0.08) {
      subject = kSizes[0];
      pose.scale = random.Uniform(0.36, 0.5);
    } else if (size < 0.16) {
      subject = kSizes[1];
      pose.scale = random.Uniform(0.8, 0.95);
    }
  }
  if (random.Chance(0.7)) AddWord(subject, kColours[instance.paint[0].name].name);
  if (instance.pattern != kPlain && random.Chance(0.7)) {
    AddWord(subject, kPatternNames[instance.pattern]);
  }
  AddWord(subject, random.Chance(0.06) ? Pick(kAnyClass, random) : kClassNames[instance.toy_class]);
  if (instance.accessory != 0 && random.Chance(0.5)) {
    AddWord(subject, "with");
    AddWord(subject, AccessoryName(instance.toy_class, instance.accessory));
  }

  caption.text = frame;
  Replace(caption.text, "{}", subject);
  Replace(caption.text, " a orange", " an orange");
  if (caption.text.rfind("a orange", 0) == 0) Replace(caption.text, "a orange", "an orange");
  if (random.Chance(0.82)) AddWord(caption.text, kScenes[scene].phrases[random.Below(2)]);
  return caption;
}

std::optional<int> SceneInPrompt(const std::string& prompt) {
  for (int scene = 0; scene < kSceneCount; ++scene) {
    for (const std::string_view phrase : kScenes[scene].phrases) {
      if (prompt.find(phrase) != std::string::npos) return scene;
    }
  }
  return std::nullopt;
}

std::vector<std::string> KnownWords() {
  std::set<std::string> words = {"an", "with"};
  for (const std::string_view text : kNeutral) CollectWords(text, words);
  for (const auto& frames : {kDark, kBright, kCloseUp, kCropped}) {
    for (int i = 0; i < 2; ++i) CollectWords(frames[i], words);
  }
  for (const std::string_view word : kSizes) CollectWords(word, words);
  for (const std::string_view word : kAnyClass) CollectWords(word, words);
  for (const std::string_view word : kClassNames) CollectWords(word, words);
  for (int i = kPlain + 1; i < kPatternCount; ++i) CollectWords(kPatternNames[i], words);
  for (const NamedColour& colour : kColours) CollectWords(colour.name, words);
  for (const SceneWords& scene : kScenes) {
    for (const std::string_view phrase : scene.phrases) CollectWords(phrase, words);
  }
  for (int toy_class = 0; toy_class < kClassCount; ++toy_class) {
    for (int i = 1; i < kAccessoryCount; ++i) CollectWords(AccessoryName(toy_class, i), words);
  }
  return {words.begin(), words.end()};
}

}  // namespace vico::toyworld
