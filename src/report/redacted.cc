#include "redact/redactor.h"
#include "report/report.h"

namespace rankdx {
namespace {

class ReportRedactor {
 public:
  ReportRedactor(const Job& job) : redactor_(Hide::NamesToo) {
    for (const Host& h : job.hosts) redactor_.add_host(h.name);
  }

  void apply(std::string& text) { text = redactor_.redact(text); }
  void apply(std::vector<std::string>& texts) {
    for (std::string& t : texts) apply(t);
  }

  void apply(Finding& f) {
    apply(f.title);
    apply(f.cause);
    for (Where& w : f.where) apply(w.host), apply(w.pod), apply(w.peer);
    for (Evidence& e : f.evidence) apply(e.source), apply(e.text);
    for (Fix& fix : f.fix) apply(fix.text), apply(fix.command);
    apply(f.needs);
  }

  void apply(Job& job) {
    for (Process& p : job.processes) apply(p.host), apply(p.origin), apply(p.source);
    for (Host& h : job.hosts) apply(h.name), apply(h.interfaces);
    for (VersionSeen& v : job.nccl_versions) apply(v.hosts);
    for (EnvSeen& e : job.environment) apply(e.value), apply(e.hosts), apply(e.at.text), apply(e.source);
  }

 private:
  Redactor redactor_;
};

}  // namespace

Report redacted(const Report& report, Job& job_storage) {
  ReportRedactor redactor(*report.job);
  job_storage = *report.job;
  redactor.apply(job_storage);
  Report out{report.diagnosis, &job_storage, report.left_out};
  redactor.apply(out.diagnosis.summary);
  for (Finding& f : out.diagnosis.findings) redactor.apply(f);
  for (Error& e : out.left_out) redactor.apply(e.place), redactor.apply(e.text);
  return out;
}

}  // namespace rankdx
