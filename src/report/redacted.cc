#include <map>

#include "base/text.h"
#include "redact/redactor.h"
#include "report/report.h"

namespace rankdx {
namespace {

class ReportRedactor {
 public:
  explicit ReportRedactor(const Job& job) : redactor_(Hide::NamesToo) {
    for (const Host& h : job.hosts) redactor_.add_host(h.name);
    for (const Process& p : job.processes) {
      redactor_.add_host(p.host);
      add_pod(p.origin);
    }
  }

  void apply(std::string& text) { text = redactor_.redact(text); }
  void apply(std::vector<std::string>& texts) {
    for (std::string& t : texts) apply(t);
  }

  void apply(Finding& f) {
    apply(f.title), apply(f.cause), apply(f.needs), apply(f.references);
    for (Where& w : f.where) {
      apply(w.host), apply(w.pod), apply(w.peer), apply(w.interface);
    }
    for (Evidence& e : f.evidence) apply(e.source), apply(e.text);
    for (Fix& fix : f.fix) apply(fix.text), apply(fix.command);
  }

  void apply(Job& job) {
    for (Process& p : job.processes) {
      apply(p.host), apply(p.origin), apply(p.actor), apply(p.source);
    }
    for (Host& h : job.hosts) apply(h.name), apply(h.interfaces), apply(h.network);
    for (VersionSeen& v : job.nccl_versions) apply(v.version), apply(v.hosts);
    apply(job.vllm_version);
    for (EnvSeen& e : job.environment) {
      setting(e);
      apply(e.hosts), apply(e.at.text), apply(e.source);
    }
    for (Communicator& c : job.communicators) {
      apply(c.id);
      for (Link& l : c.links) apply(l.transport);
      for (CollectiveCount& n : c.collectives) apply(n.last);
    }
  }

 private:
  /// "pod/NAME/container" and "namespace/NAME" hold names; a container is often called as its
  /// program, and to hide "vllm" everywhere would blind the report. A name of a pod has a dash and
  /// a number or hash behind it.
  void add_pod(std::string_view origin) {
    for (std::string_view part : split(origin, '/')) {
      if (part.find('-') != part.npos && part.size() > 5) redactor_.add_host(part);
    }
  }

  /// The value of NAME=VALUE, judged with its name.
  void setting(EnvSeen& e) {
    const std::string line = redactor_.redact(e.name + "=" + e.value);
    e.value = line.starts_with(e.name + "=") ? line.substr(e.name.size() + 1) : "[redacted]";
  }

  Redactor redactor_;
};

/// Members name their source through a pointer into the facts: they get copies with the new names.
std::shared_ptr<const std::deque<SourceFacts>> rename_sources(Job& job, ReportRedactor& redactor) {
  auto renamed = std::make_shared<std::deque<SourceFacts>>();
  std::map<const SourceFacts*, const SourceFacts*> known;
  for (Communicator& c : job.communicators) {
    for (Member& m : c.ranks) {
      const SourceFacts*& copy = known[m.source];
      if (!copy && m.source) {
        SourceFacts& source = renamed->emplace_back();
        source.name = m.source->name;
        redactor.apply(source.name);
        copy = &source;
      }
      m.source = copy;
    }
  }
  return renamed;
}

}  // namespace

Report redacted(const Report& report, Job& job_storage) {
  ReportRedactor redactor(*report.job);
  job_storage = *report.job;
  redactor.apply(job_storage);
  Report out{report.diagnosis, &job_storage, report.left_out,
             rename_sources(job_storage, redactor)};
  redactor.apply(out.diagnosis.summary);
  for (Finding& f : out.diagnosis.findings) redactor.apply(f);
  for (Error& e : out.left_out)
    redactor.apply(e.place), redactor.apply(e.text), redactor.apply(e.hint);
  return out;
}

}  // namespace rankdx
