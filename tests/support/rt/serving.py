"""How a private RT is served: as its own rt-server does it, but it has answered once before it forks its workers.

What Perl loads and compiles with the first request of a kind is then there in every worker, and in those that take their
place when the database is put back.
"""

from __future__ import annotations

SERVE = r"""
use strict;
use warnings;
use HTTP::Request;
use HTTP::Response;
use HTTP::Message::PSGI;
use JSON ();
use Plack::Handler::Starlet;

my ($script, $port, $workers, $token, $password) = splice @ARGV;
my $rt = do $script or die "$script: " . ($@ || $!);
my $app = sub { my $env = shift; $env->{'rt.explicit_port'} = $port; $rt->($env, @_) };
my $root = "http://127.0.0.1:$port";

sub ask {
    my ($method, $path, $body) = @_;
    my $content = ref $body ? JSON::encode_json($body) : $body // '';
    my $type = ref $body ? 'application/json' : 'application/x-www-form-urlencoded';
    my $headers = ['Authorization' => "token $token", 'Content-Type' => $type, 'Content-Length' => length $content];
    my $request = HTTP::Request->new($method, "$root$path", $path =~ m{^/REST/2} ? $headers : [@$headers[2 .. 5]], $content);
    return HTTP::Response->from_psgi($app->($request->to_psgi))->code;
}

my @have_roles = qw(RT::Ticket RT::Queue RT::Asset RT::Catalog);
my %order;  # of roles: RT notes in it what it has looked at last, and numbers the groups of a new ticket accordingly
for my $class (@have_roles) {
    $order{$class}{$_} = $class->_ROLES->{$_}{SortOrder} for keys %{ $class->_ROLES };
}

my $all = [{ field => 'id', operator => '>', value => 0 }];
my $first = '?per_page=2&fields=id';
ask(POST => '/REST/1.0/', "user=root&pass=$password");
ask(GET => "/REST/2.0/$_") for qw(rt queue/1 user/root ticket/1 ticket/1/history);
ask(GET => "/REST/2.0/tickets$first&query=id%3E0");
ask(POST => "/REST/2.0/$_$first", $all) for qw(queues users groups customfields customroles transactions attachments);
my $ticket = { Queue => 'General', Subject => 'the first', Content => 'once', ContentType => 'text/plain' };
ask(POST => '/REST/2.0/ticket', $ticket);
ask(PUT => '/REST/2.0/ticket/1', { Priority => 1, CustomFields => { Severity => 'low' } });
ask(POST => '/REST/2.0/ticket/1/comment', { Content => 'again', ContentType => 'text/plain' });

for my $class (@have_roles) {
    $class->_ROLES->{$_}{SortOrder} = $order{$class}{$_} for keys %{ $order{$class} };
}
if ($RT::Handle) {  # a connection must not be shared by the workers
    $RT::Handle->dbh->disconnect if $RT::Handle->dbh;
    $RT::Handle->dbh(undef);
    undef $RT::Handle;
}
$SIG{PIPE} = 'IGNORE';
Plack::Handler::Starlet->new(
    host => '127.0.0.1', port => $port, max_workers => $workers, timeout => 120, err_respawn_interval => 0,
    max_keepalive_reqs => 1,  # an idle connection would hold a worker
    max_reqs_per_child => 100_000,
)->run($app);
"""
