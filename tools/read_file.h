// Files as the tool reads them: whole, and without waiting for what never comes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "octet/octet.hpp"

namespace octet::tool {

/// The bytes of a file, or of a pipe that somebody writes into, which are at most 2^28. Errors: not
/// found; a folder, a device or a socket; a pipe that nobody writes into; no memory for it. They
/// name the path.
Expected<std::vector<uint8_t>> read_file(const std::string& path);

/// The lines of a text file that are not blank, without what ends them ('\n' or "\r\n") and without
/// the mark that some editors put in front of UTF-8. Errors as above.
Expected<std::vector<std::string>> read_lines(const std::string& path);

/// Of the first line of a text that some editors begin with one.
void remove_byte_order_mark(std::string& line);

/// Is there nothing but white space in it?
bool is_blank(const std::string& line);

}  // namespace octet::tool
