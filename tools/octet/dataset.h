// Folders of images to evaluate on.
#pragma once

#include <string>
#include <vector>

#include "octet/octet.hpp"

namespace octet::tool {

struct Sample {
  std::string path;
  int label = -1;            ///< Index of the class; -1 where the folder does not tell.
  bool is_numbered = false;  ///< The label is from the file's name: INDEX_name.jpg.
};

/// Images of `folder`, sorted by path: in folders named after the model's labels, or files named
/// INDEX_name.jpg, whose class is the model's INDEX + `first_class`. A `limit` above 0 takes that
/// many of them, evenly spaced. Errors: no such folder; no images; a folder below it that is named
/// after no label.
///
/// A file that is named like an image and cannot be read is in the list: its reader complains.
/// Pictures in formats that octet does not read are left out, with a warning.
Expected<std::vector<Sample>> list_samples(const std::string& folder, const Model& model,
                                           std::size_t limit, int first_class = 0);

/// Images of `folder` and of the folders below it, sorted by path; `limit` and the rest as above.
/// Errors: no such folder, no images.
Expected<std::vector<std::string>> list_images(const std::string& folder, std::size_t limit);

}  // namespace octet::tool
