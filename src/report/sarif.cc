#include "present/sarif.h"

#include "report/report.h"

namespace rankdx {

std::string render_sarif(const Report& report) { return findings_sarif(report.diagnosis.findings); }

}  // namespace rankdx
