#include "tools/octet/dataset.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>

namespace octet::tool {
namespace {

namespace fs = std::filesystem;

bool is_image(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

// 207_golden_retriever.jpg -> 207
int index_in_name(const std::string& name) {
  int index = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  return error == std::errc() && *end == '_' ? index : -1;
}

Expected<int> label_of_folder(const fs::path& folder, const Model& model) {
  const auto& labels = model.labels();
  const auto found = std::ranges::find(labels, folder.filename().string());
  if (found == labels.end()) {
    return fail(folder.string() + ": no label of the model has this folder's name");
  }
  return static_cast<int>(found - labels.begin());
}

Expected<void> collect(const fs::path& folder, const Model& model, bool top_level, int label,
                       int first_class, std::vector<Sample>& samples) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (top_level && entry.is_directory() && model.task().type == TaskType::classify) {
      const auto folder_label = label_of_folder(entry.path(), model);
      if (!folder_label) return tl::unexpected(folder_label.error());
      if (auto ok = collect(entry.path(), model, false, *folder_label, first_class, samples); !ok)
        return ok;
    } else if (entry.is_regular_file() && is_image(entry.path())) {
      const int named = label >= 0 ? -1 : index_in_name(entry.path().filename().string());
      const int known = named >= 0 ? named + first_class : label;
      samples.push_back({.path = entry.path().string(), .label = known});
    }
  }
  if (error) return fail(folder.string() + ": cannot read the folder: " + error.message());
  return {};
}

// With a limit above 0, that many, evenly spaced.
template <class T>
std::vector<T> evenly_spaced(std::vector<T> all, std::size_t limit) {
  if (limit == 0 || limit >= all.size()) return all;
  std::vector<T> chosen;
  for (std::size_t i = 0; i < limit; ++i) chosen.push_back(all[i * all.size() / limit]);
  return chosen;
}

}  // namespace

Expected<std::vector<std::string>> list_images(const std::string& folder, std::size_t limit) {
  std::vector<std::string> images;
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(folder, error);
  while (!error && entry != fs::recursive_directory_iterator()) {
    if (entry->is_regular_file() && is_image(entry->path()))
      images.push_back(entry->path().string());
    entry.increment(error);
  }
  if (error) return fail(folder + ": cannot read the folder: " + error.message());
  if (images.empty()) return fail(folder + ": no JPEG or PNG images in it");
  std::ranges::sort(images);
  return evenly_spaced(std::move(images), limit);
}

Expected<std::vector<Sample>> list_samples(const std::string& folder, const Model& model,
                                           std::size_t limit, int first_class) {
  std::vector<Sample> samples;
  if (auto ok = collect(folder, model, true, -1, first_class, samples); !ok)
    return tl::unexpected(ok.error());
  if (samples.empty()) return fail(folder + ": no JPEG or PNG images in it");
  std::ranges::sort(samples, {}, &Sample::path);
  return evenly_spaced(std::move(samples), limit);
}

}  // namespace octet::tool
