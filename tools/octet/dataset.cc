#include "tools/octet/dataset.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <iostream>

namespace octet::tool {
namespace {

namespace fs = std::filesystem;

std::string extension_of(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_one_of(const std::string& extension, std::initializer_list<const char*> list) {
  return std::ranges::find(list, extension) != list.end();
}

/// The entries of one folder that matter.
struct Entries {
  std::vector<fs::path> images;  ///< Chosen by name; not read yet.
  std::vector<fs::path> folders;
};

/// Pictures in formats that octet does not read: how many there are, and one of them.
struct Foreign {
  std::size_t count = 0;
  fs::path example;

  void warn(const std::string& folder) const {
    if (count == 0) return;
    std::cerr << "octet: warning: " << folder << ": " << count
              << (count == 1 ? " picture" : " pictures")
              << " of formats that octet does not read left out, " << example.string()
              << (count == 1 ? "\n" : " for one\n");
  }
};

Expected<Entries> read_folder(const fs::path& folder, Foreign& foreign) {
  Entries entries;
  std::error_code error;
  auto entry = fs::directory_iterator(folder, error);
  while (!error && entry != fs::directory_iterator()) {
    // A link that leads nowhere, or in a circle, is an image that cannot be read.
    std::error_code unknown;
    const fs::path& path = entry->path();
    const std::string extension = extension_of(path);
    if (entry->is_directory(unknown)) {
      entries.folders.push_back(path);
    } else if (is_one_of(extension, {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})) {
      entries.images.push_back(path);
    } else if (is_one_of(extension, {".heic", ".heif", ".avif", ".tif", ".tiff", ".jxl", ".jp2"})) {
      ++foreign.count;
      foreign.example = path;
    }
    entry.increment(error);
  }
  if (error) return fail(folder.string() + ": cannot read the folder: " + error.message());
  return entries;
}

Expected<void> list_below(const fs::path& folder, std::vector<std::string>& images,
                          Foreign& foreign) {
  const auto entries = read_folder(folder, foreign);
  if (!entries) return tl::unexpected(entries.error());
  for (const fs::path& image : entries->images) images.push_back(image.string());
  for (const fs::path& below : entries->folders) {
    // Links to folders are not followed: they may lead in a circle.
    std::error_code unknown;
    if (fs::is_symlink(below, unknown)) continue;
    if (auto ok = list_below(below, images, foreign); !ok) return ok;
  }
  return {};
}

constexpr char no_images[] = ": no JPEG or PNG images in it, nor WebP, GIF or BMP ones";

// 207 for 207_golden_retriever.jpg; -1 where there is no index.
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
                       int first_class, std::vector<Sample>& samples, Foreign& foreign) {
  const auto entries = read_folder(folder, foreign);
  if (!entries) return tl::unexpected(entries.error());
  for (const fs::path& path : entries->images) {
    const int named = label >= 0 ? -1 : index_in_name(path.filename().string());
    samples.push_back({.path = path.string(),
                       .label = named >= 0 ? named + first_class : label,
                       .is_numbered = named >= 0});
  }
  if (!top_level || model.task().type != TaskType::classify) return {};
  for (const fs::path& below : entries->folders) {
    const auto folder_label = label_of_folder(below, model);
    if (!folder_label) return tl::unexpected(folder_label.error());
    if (auto ok = collect(below, model, false, *folder_label, first_class, samples, foreign); !ok)
      return ok;
  }
  return {};
}

// A limit above 0 takes that many of them, evenly spaced.
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
  Foreign foreign;
  if (auto ok = list_below(folder, images, foreign); !ok) return tl::unexpected(ok.error());
  foreign.warn(folder);
  if (images.empty()) return fail(folder + no_images);
  std::ranges::sort(images);
  return evenly_spaced(std::move(images), limit);
}

Expected<std::vector<Sample>> list_samples(const std::string& folder, const Model& model,
                                           std::size_t limit, int first_class) {
  std::vector<Sample> samples;
  Foreign foreign;
  if (auto ok = collect(folder, model, true, -1, first_class, samples, foreign); !ok)
    return tl::unexpected(ok.error());
  foreign.warn(folder);
  if (samples.empty()) return fail(folder + no_images);
  std::ranges::sort(samples, {}, &Sample::path);
  return evenly_spaced(std::move(samples), limit);
}

}  // namespace octet::tool
