// Reading a schema: "sum(Tensor self, int[1] dim, bool keepdim=False) -> Tensor".
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "ops/op.h"

namespace fl {

namespace {

struct TypeName {
  const char* text;
  ArgType type;
};
constexpr TypeName kTypes[] = {
    {"Tensor", ArgType::Tensor}, {"Operand", ArgType::Operand},
    {"Scalar", ArgType::Scalar}, {"int", ArgType::Int},
    {"float", ArgType::Float},   {"bool", ArgType::Bool},
    {"str", ArgType::Str},       {"ScalarType", ArgType::Dtype},
    {"Device", ArgType::Device}, {"Generator", ArgType::Generator},
    {"Object", ArgType::Object},
};

[[noreturn]] void bad(const std::string& schema, const std::string& what) {
  fail(ErrorKind::Runtime, "schema '", schema, "': ", what);
}

std::string trim(std::string_view s) {
  size_t a = s.find_first_not_of(' ');
  if (a == std::string_view::npos) return "";
  return std::string(s.substr(a, s.find_last_not_of(' ') - a + 1));
}

// Splits at commas that are not inside brackets.
std::vector<std::string> split(std::string_view s) {
  std::vector<std::string> out;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '[' || s[i] == '(') ++depth;
    if (s[i] == ']' || s[i] == ')') --depth;
    if (s[i] == ',' && depth == 0) {
      out.push_back(trim(s.substr(start, i - start)));
      start = i + 1;
    }
  }
  std::string last = trim(s.substr(start));
  if (!last.empty()) out.push_back(last);
  return out;
}

// "int[2]?" -> type, list, repeat, nullable.
void parse_type(const std::string& schema, std::string text, Arg& arg) {
  if (text.ends_with('?')) {
    arg.nullable = true;
    text.pop_back();
  }
  bool list = false;
  if (text.ends_with(']')) {
    size_t open = text.find('[');
    std::string n = text.substr(open + 1, text.size() - open - 2);
    if (!n.empty()) arg.repeat = std::atoi(n.c_str());
    text = text.substr(0, open);
    list = true;
    if (text.ends_with('?')) {
      arg.nullable_items = true;
      text.pop_back();
    }
  }
  for (const TypeName& t : kTypes) {
    if (text != t.text) continue;
    arg.type = t.type;
    if (!list) return;
    if (t.type == ArgType::Tensor) {
      arg.type = ArgType::Tensors;
    } else if (t.type == ArgType::Int) {
      arg.type = ArgType::Ints;
    } else if (t.type == ArgType::Float) {
      arg.type = ArgType::Floats;
    } else {
      break;
    }
    return;
  }
  bad(schema, "unknown type '" + text + "'");
}

// Lists and strings of defaults live as long as the program.
Value parse_default(const std::string& schema, const std::string& t, ArgType type) {
  if (t == "None") return Value();
  if (t == "True") return Value(true);
  if (t == "False") return Value(false);
  if (t == "inf") return Value(INFINITY);
  if (t == "-inf") return Value(-INFINITY);
  if (t.front() == '\'') {
    auto* s = new std::string(t.substr(1, t.size() - 2));
    return Value(std::string_view(*s));
  }
  if (t.front() == '[') {
    auto* v = new std::vector<int64_t>;
    for (const std::string& item : split(std::string_view(t).substr(1, t.size() - 2))) {
      v->push_back(std::atoll(item.c_str()));
    }
    return Value(IntList(*v));
  }
  for (int d = 0; d < kDtypeCount; ++d) {
    if (t == short_name(static_cast<Dtype>(d))) return Value(static_cast<Dtype>(d));
  }
  char* end = nullptr;
  if (t.find_first_of(".e") != std::string::npos || type == ArgType::Float) {
    double f = std::strtod(t.c_str(), &end);
    if (*end == 0) return Value(f);
  } else {
    int64_t i = std::strtoll(t.c_str(), &end, 10);
    if (*end == 0) return Value(i);
  }
  bad(schema, "cannot read the default '" + t + "'");
}

Arg parse_arg(const std::string& schema, const std::string& text) {
  Arg arg{};
  size_t eq = text.find('=');
  std::string left = trim(std::string_view(text).substr(0, eq));
  size_t space = left.rfind(' ');
  if (space == std::string::npos) bad(schema, "argument without a name: " + text);
  arg.name = left.substr(space + 1);
  parse_type(schema, trim(std::string_view(left).substr(0, space)), arg);
  if (eq != std::string::npos) {
    arg.has_default = true;
    arg.value =
        parse_default(schema, trim(std::string_view(text).substr(eq + 1)), arg.type);
  }
  return arg;
}

void parse_returns(Schema& s, std::string text) {
  if (text.front() == '(') text = text.substr(1, text.size() - 2);
  for (const std::string& item : split(text)) {
    size_t space = item.find(' ');
    std::string type = item.substr(0, space);
    s.returns.push_back(space == std::string::npos ? "" : item.substr(space + 1));
    if (type == "Tensor[]") s.returns_list = true;
    if (type.rfind("Tensor", 0) != 0) s.returns_value = true;
  }
}

}  // namespace

int Schema::index_of(std::string_view arg) const {
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].name == arg) return static_cast<int>(i);
  }
  fail(ErrorKind::Runtime, "schema '", text, "' has no argument '", arg, "'");
}

Schema parse_schema(const char* text) {
  Schema s;
  s.text = text;
  size_t open = s.text.find('('), arrow = s.text.rfind("->");
  if (open == std::string::npos || arrow == std::string::npos)
    bad(s.text, "not a schema");
  std::string full = s.text.substr(0, open);
  size_t dot = full.rfind('.');
  s.space = dot == std::string::npos ? "" : full.substr(0, dot);
  s.name = dot == std::string::npos ? full : full.substr(dot + 1);
  size_t close = s.text.rfind(')', arrow);
  bool keyword_only = false;
  for (const std::string& a :
       split(std::string_view(s.text).substr(open + 1, close - open - 1))) {
    if (a == "*") {
      keyword_only = true;
      continue;
    }
    Arg arg = parse_arg(s.text, a);
    arg.keyword_only = keyword_only;
    if (!keyword_only) ++s.positional;
    s.args.push_back(std::move(arg));
  }
  if (s.args.size() > 28) bad(s.text, "more than 28 arguments");
  parse_returns(s, trim(std::string_view(s.text).substr(arrow + 2)));
  return s;
}

}  // namespace fl
